"""What pages share: headers, texts, charts, the rating form."""
