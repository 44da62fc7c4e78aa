"""Where criteria pull apart: the map, who prevails, weights, and what stands out in words."""
