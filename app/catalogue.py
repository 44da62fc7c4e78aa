"""The texts that raters read, in every language: one catalogue, so that a new language is a new column.

What a rubric, a prompt or a person says is never translated. To add words, add a line to `CATALOGUE`; a test compares
the languages key by key and placeholder by placeholder, and looks for words nobody says.
"""

from __future__ import annotations

from collections.abc import Iterable

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""The languages, each under its own name, in the order of the texts below."""


def spoken(wanted: Iterable[str | None]) -> str:
    """The first language that is one of ours, else English.

    Args:
        wanted: codes such as "de" or "de-AT", best first.
    """
    codes = ((one or "").strip().lower().partition("-")[0] for one in wanted)
    return next((code for code in codes if code in LANGUAGES), "en")


def say_in(language: str, key: str, **values: object) -> str:
    """A text of the catalogue.

    Args:
        language: a key of `LANGUAGES`.
        key: its key.
        values: what stands in the place of its placeholders.

    Raises:
        KeyError: no such text, or a placeholder without a value.
    """
    text = CATALOGUE[key][list(LANGUAGES).index(language)]
    return text.format(**values) if values else text


CATALOGUE: dict[str, tuple[str, ...]] = {
    # the door
    "door-log-in": ("Log in", "Anmelden"),
    "door-name": ("Name", "Name"),
    "door-password": ("Password", "Passwort"),
    "door-sso": ("Continue with single sign-on", "Weiter mit Single Sign-on"),
    "door-new-here": (
        "New here, or forgot the password? An admin gives you a link with which you set one.",
        "Neu hier, oder das Passwort vergessen? Ein Admin gibt Ihnen einen Link, mit dem Sie eines festlegen.",
    ),
    "door-no-match": ("Name and password do not match.", "Name und Passwort passen nicht zusammen."),
    "door-wait": (
        "Too many attempts. Try again in {minutes} min, or ask an admin for a link.",
        "Zu viele Versuche. Versuchen Sie es in {minutes} min wieder, oder bitten Sie einen Admin um einen Link.",
    ),
    "door-other-site": (
        "That form came from another site. Try again here.",
        "Dieses Formular kam von einer anderen Seite. Versuchen Sie es hier noch einmal.",
    ),
    "door-you-are": ("You are {name}. This link works once.", "Sie sind {name}. Dieser Link gilt einmal."),
    "door-new-password": ("New password", "Neues Passwort"),
    "door-again": ("The same again", "Noch einmal dasselbe"),
    "door-set": ("Set password and log in", "Passwort festlegen und anmelden"),
    "door-set-title": ("Set your password", "Ihr Passwort festlegen"),
    "door-rule": (
        "At least {n} characters; a few unrelated words are easy to remember.",
        "Mindestens {n} Zeichen; ein paar Wörter ohne Zusammenhang merkt man sich leicht.",
    ),
    "door-differ": ("The two passwords differ.", "Die beiden Passwörter sind verschieden."),
    "door-spent": (
        "This link was used or has expired",
        "Dieser Link wurde schon benutzt oder ist abgelaufen",
    ),
    "door-spent-next": (
        "Ask an admin for a new one, or {log_in}.",
        "Bitten Sie einen Admin um einen neuen, oder {log_in}.",
    ),
    "door-spent-log-in": ("log in", "melden Sie sich an"),
    # navigation
    "page-home": ("Home", "Start"),
    "page-rate": ("Rate", "Bewerten"),
    "page-my_work": ("My work", "Meine Arbeit"),
    "page-learn": ("Learn", "Lernen"),
    "page-exam": ("Exam", "Prüfung"),
    "page-my_calibration": ("My calibration", "Meine Eichung"),
    "page-account": ("Account", "Konto"),
    # the bar above the desk
    "today": ("{n} today, {time}", "heute {n}, {time}"),
    "raw": ("As written", "Wie geschrieben"),
    "raw-help": ("Every character as it was written (w)", "Jedes Zeichen, wie es geschrieben wurde (w)"),
    "differences": ("Differences", "Unterschiede"),
    "differences-help": (
        "Words that only one of the two responses has (d)",
        "Wörter, die nur eine der beiden Antworten hat (d)",
    ),
    "unrelated": (
        "The two texts have too little in common to show their differences.",
        "Die beiden Texte haben zu wenig gemeinsam, um ihre Unterschiede zu zeigen.",
    ),
    "rubric": ("Rubric", "Kriterien"),
    "keys": ("Keys", "Tasten"),
    "weight": ("Weight: {share}", "Gewicht: {share}"),
    "prevails": ("{name} prevails", "{name} hat Vorrang"),
    "context-decides": ("the context decides", "der Zusammenhang entscheidet"),
    "against": ("{first} against {second}: {rule}", "{first} gegen {second}: {rule}"),
    # the keys
    "single-keys": ("Single-key shortcuts", "Tastenkürzel mit einer Taste"),
    "single-keys-help": (
        "Off: only Ctrl+Enter, Tab and the arrow keys do something.",
        "Aus: nur Strg+Eingabe, Tab und die Pfeiltasten tun etwas.",
    ),
    "key-answer": ("answer the marked row, from left to right", "die markierte Zeile beantworten, von links"),
    "key-cannot": ("cannot judge the marked row", "die markierte Zeile nicht beurteilen können"),
    "key-outside": ("does not apply; overall: both bad", "trifft nicht zu; insgesamt: beide schlecht"),
    "key-rows": ("next row, previous row", "nächste Zeile, vorige Zeile"),
    "key-sentence": ("select the next, the previous sentence", "nächsten, vorigen Satz auswählen"),
    "key-extend": ("select one sentence more", "einen Satz mehr auswählen"),
    "key-response": ("go to the next response", "zur nächsten Antwort"),
    "key-quote": ("quote the selected text", "den ausgewählten Text zitieren"),
    "key-mark": ("mark the selected text as an error", "den ausgewählten Text als Fehler markieren"),
    "key-note": ("write the justification; Esc leaves it", "die Begründung schreiben; Esc verlässt sie"),
    "key-tension": ("declare a tension", "eine Spannung nennen"),
    "key-view": (
        "differences, as written, whole texts",
        "Unterschiede, wie geschrieben, ganze Texte",
    ),
    "key-skip": ("skip, more", "überspringen, mehr"),
    "key-help": ("this list", "diese Liste"),
    "key-submit": ("submit", "absenden"),
    # reading
    "role-system": ("System prompt", "Systemvorgabe"),
    "role-user": ("User", "Nutzer"),
    "role-assistant": ("Assistant", "Assistent"),
    "role-tool": ("Tool", "Werkzeug"),
    "earlier-turns": ("{n} earlier turns", "{n} frühere Beiträge"),
    "response": ("Response {letter}", "Antwort {letter}"),
    "empty-text": ("(empty)", "(leer)"),
    "material": ("Reference", "Vorlage"),
    "constraints": ("Constraints", "Vorgaben"),
    "source-document": ("Source document", "Quelltext"),
    "unfold": ("Whole texts", "Ganze Texte"),
    "unfold-help": ("Long texts are cut on the screen until you unfold them (u)", "Lange Texte ausklappen (u)"),
    "folded": ("The text goes on: {n} characters.", "Der Text geht weiter: {n} Zeichen."),
    # answering
    "is-better": ("is better", "ist besser"),
    "overall": ("Overall", "Insgesamt"),
    "both-bad": ("Both bad", "Beide schlecht"),
    "both-bad-read": ("both are bad", "beide sind schlecht"),
    "not-applicable": ("n/a", "entf."),
    "not-applicable-read": ("does not apply", "trifft nicht zu"),
    "cannot-judge": ("cannot judge", "nicht beurteilbar"),
    "instead": ("{label}, instead", "{label}, stattdessen"),
    "of-response": ("{label}, response {letter}", "{label}, Antwort {letter}"),
    "yes": ("Yes", "Ja"),
    "no": ("No", "Nein"),
    "equal": ("equal", "gleich"),
    "better": ("{letter} is better", "{letter} ist besser"),
    "better-by": ("{letter} is better ({strength})", "{letter} ist besser ({strength})"),
    "slightly": ("slightly better", "etwas besser"),
    "clearly": ("better", "besser"),
    "strongly": ("clearly better", "deutlich besser"),
    "score-ends": ("{low} is worst, {high} is best", "{low} ist am schlechtesten, {high} am besten"),
    "choose": ("Choose", "Wählen"),
    "board-best": ("best", "beste"),
    "board-worst": ("worst", "schlechteste"),
    "board-hint": ("drag or click the letters", "Buchstaben ziehen oder anklicken"),
    "example": ("Example.", "Beispiel."),
    "example-first": ("First:", "Erste:"),
    "example-second": ("Second:", "Zweite:"),
    "prefer-a": ("The first is better", "Die erste ist besser"),
    "prefer-b": ("The second is better", "Die zweite ist besser"),
    "prefer-tie": ("They are equal", "Sie sind gleich"),
    "prefer-not_applicable": ("The criterion does not apply", "Das Kriterium trifft nicht zu"),
    "prefer-cannot_judge": ("It cannot be judged", "Es ist nicht zu beurteilen"),
    "justification": ("Justification", "Begründung"),
    "justification-hint": (
        "What decided? Select text and press q to quote it.",
        "Was gab den Ausschlag? Text auswählen und q drücken, um zu zitieren.",
    ),
    "confidence": ("How sure are you?", "Wie sicher sind Sie?"),
    "confidence-1": ("Guess", "Geraten"),
    "confidence-2": ("Unsure", "Unsicher"),
    "confidence-3": ("Fair", "Mittel"),
    "confidence-4": ("Sure", "Sicher"),
    "confidence-5": ("Certain", "Gewiss"),
    # quoting and marking
    "quote": ("Quote", "Zitieren"),
    "mark": ("Mark error", "Fehler markieren"),
    "marks": ("Marked errors", "Markierte Fehler"),
    "mark-criterion": ("Criterion of the marked passage", "Kriterium der markierten Stelle"),
    "mark-note": ("What is wrong", "Was ist falsch"),
    "mark-note-hint": ("What is wrong? (optional)", "Was ist falsch? (freiwillig)"),
    "remove": ("Remove", "Entfernen"),
    "mark-nothing": (
        "Nothing was marked: select a passage of a response first.",
        "Nichts markiert: erst eine Stelle in einer Antwort auswählen.",
    ),
    # tensions
    "favours": ("{criterion} favours {letter}", "{criterion} spricht für {letter}"),
    "and": ("and", "und"),
    "rubric-prevails": ("The rubric lets {criterion} prevail.", "Nach den Kriterien hat {criterion} Vorrang."),
    "other-way": (
        "Your overall choice goes the other way: say why, or look again.",
        "Ihre Gesamtwahl geht in die andere Richtung: sagen Sie warum, oder sehen Sie noch einmal hin.",
    ),
    "what-rubric-says": ("What the rubric says", "Was die Kriterien dazu sagen"),
    "which-prevailed": ("Which prevailed: {first} or {second}?", "Was gab den Ausschlag: {first} oder {second}?"),
    "if-you-like": ("{asked} (optional)", "{asked} (freiwillig)"),
    "neither": ("Neither", "Keines"),
    "why": ("Why", "Warum"),
    "few-words": ("In a few words", "In wenigen Worten"),
    "reason-required": (
        "This rubric asks for a justification where criteria pull apart.",
        "Wo Kriterien auseinandergehen, ist hier eine Begründung nötig.",
    ),
    "weaker-tension": ("1 weaker tension is recorded, too.", "1 schwächere Spannung wird mit festgehalten."),
    "weaker-tensions": (
        "{n} weaker tensions are recorded, too.",
        "{n} schwächere Spannungen werden mit festgehalten.",
    ),
    "against-weights": (
        "With the rubric's weights your criteria lean to {leaning}; overall you prefer {chosen}. "
        "That may be right: say what the criteria miss.",
        "Mit den Gewichten neigen Ihre Kriterien zu {leaning}; insgesamt bevorzugen Sie {chosen}. "
        "Das kann richtig sein: sagen Sie, was den Kriterien entgeht.",
    ),
    "own-tension": ("Another tension you see (optional)", "Eine weitere Spannung, die Sie sehen (freiwillig)"),
    "own-tension-hint": ("Two criteria that pull apart", "Zwei Kriterien, die auseinandergehen"),
    "declared": ("You see a tension between {first} and {second}.", "Sie sehen eine Spannung: {first} und {second}."),
    # the ways out
    "submit": ("Submit", "Absenden"),
    "skip": ("Skip", "Überspringen"),
    "more": ("More", "Mehr"),
    "skip-why": ("Why skip it?", "Warum überspringen?"),
    "skip-now": ("Skip this comparison", "Diesen Vergleich überspringen"),
    "skip-knowledge": ("I lack the knowledge to judge this", "Mir fehlt das Wissen dafür"),
    "skip-broken": ("A text is broken or cut off", "Ein Text ist kaputt oder abgeschnitten"),
    "skip-language": ("I do not read this language well", "Ich lese diese Sprache nicht gut"),
    "skip-unwilling": ("I would rather not read this", "Ich möchte das nicht lesen"),
    "skip-other": ("Something else", "Etwas anderes"),
    "not-stored": ("Not stored yet.", "Noch nicht gespeichert."),
    "unanswered": ("Not answered yet: {names}.", "Noch nicht beantwortet: {names}."),
    "every-response": (
        "{name} does not cover every response: answer for each one.",
        "{name} fehlt für manche Antwort: bitte für jede angeben.",
    ),
    "known-submitted": ("That one was submitted already.", "Der war schon abgesendet."),
    "known-skipped": ("That one was skipped already.", "Der war schon übersprungen."),
    "lease-lost": (
        "The time for that one ran out, and it needs no more judgments. Your words are kept as a draft.",
        "Die Zeit für diesen Vergleich ist abgelaufen, und er braucht keine Urteile mehr. "
        "Ihr Text ist als Entwurf aufgehoben.",
    ),
    "exam-first": ("The exam comes first", "Zuerst die Prüfung"),
    "exam-ready": (
        "This campaign gives work to raters who have passed its exam. You can take it now.",
        "Diese Kampagne gibt Arbeit, wenn die Prüfung bestanden ist. Sie können sie jetzt ablegen.",
    ),
    "exam-running": ("Your exam has begun. Go on where you stopped.", "Ihre Prüfung läuft. Machen Sie dort weiter."),
    "exam-waiting": (
        "The exam can be tried once more, with other questions, after a wait.",
        "Die Prüfung kann nach einer Wartezeit einmal mit anderen Fragen wiederholt werden.",
    ),
    "exam-lessons": (
        "Some lessons come before the exam. The exam page says which.",
        "Vor der Prüfung kommen einige Lektionen. Die Prüfungsseite sagt, welche.",
    ),
    "exam-no_items": (
        "You have seen every question of the exam. It goes on when there are new ones.",
        "Sie haben alle Fragen der Prüfung gesehen. Es geht weiter, wenn es neue gibt.",
    ),
    "exam-review": (
        "A designer looks at your answers and decides how to go on.",
        "Jemand aus der Kampagne sieht sich Ihre Antworten an und entscheidet.",
    ),
    "exam-retired": ("Your account is retired.", "Ihr Konto ist stillgelegt."),
    "no-work": ("No work at the moment", "Zurzeit keine Arbeit"),
    "no-work-state": (
        "Your account is {state}. A designer or an admin of the campaign can help.",
        "Ihr Konto ist {state}. Fragen Sie jemanden, der die Kampagne betreut.",
    ),
    "nothing-left": ("Nothing is left to rate here", "Hier ist nichts mehr zu bewerten"),
    "nothing-left-next": (
        "You have seen every comparison that needs votes. Come back later, choose another campaign above, "
        "or look through what you did.",
        "Sie haben jeden Vergleich gesehen, der Stimmen braucht. Kommen Sie später wieder, wählen Sie oben eine "
        "andere Kampagne, oder sehen Sie durch, was Sie getan haben.",
    ),
    "advice": ("Look again:", "Noch einmal hinsehen:"),
    "rule-min_words": (
        "Justification has {n} of at least {least} words: say what decided.",
        "Die Begründung hat {n} von mindestens {least} Wörtern: sagen Sie, was den Ausschlag gab.",
    ),
    "rule-must_name_criterion": (
        "Justification names no criterion: name what decided: {names}.",
        "Die Begründung nennt kein Kriterium: nennen Sie, was den Ausschlag gab: {names}.",
    ),
    "rule-required_on_tension": (
        "Justification is empty, and two criteria favour different responses: say which prevailed and why.",
        "Die Begründung fehlt, und zwei Kriterien sprechen für verschiedene Antworten: sagen Sie, was überwog.",
    ),
    "rule-must_settle_tension": (
        "{first} and {second} pull apart: choose which prevailed, or neither.",
        "{first} und {second} gehen auseinander: wählen Sie, was den Ausschlag gab, oder keines.",
    ),
    "rule-quotes_must_exist": (
        "“{quote}” does not stand in Response {letter}: quote it as it stands.",
        "„{quote}“ steht nicht in Antwort {letter}: zitieren Sie, was dort steht.",
    ),
    "rule-quotes-nowhere": (
        "“{quote}” stands neither in a response nor in the prompt or reference: quote it as it stands.",
        "„{quote}“ steht weder in einer Antwort noch in Aufgabe oder Vorlage: zitieren Sie, was dort steht.",
    ),
    "rule-must_not_repeat": (
        "Justification nearly repeats an earlier one of yours: say what decided here. Yours was: “{copied}”",
        "Die Begründung wiederholt fast eine frühere von Ihnen: sagen Sie, was hier den Ausschlag gab. "
        "Die frühere war: „{copied}“",
    ),
    "rule-must_match_choice": (
        "Justification calls {said} the better one, and overall you chose {chosen}: change the words or the answer.",
        "Die Begründung nennt {said} die bessere, insgesamt wählten Sie {chosen}: ändern Sie Worte oder Wahl.",
    ),
    # questions, reports, pauses
    "ask": ("Ask the designer", "Rückfrage stellen"),
    "ask-label": ("What is unclear about this comparison?", "Was ist an diesem Vergleich unklar?"),
    "not-rankable": ("Not rankable", "Nicht bewertbar"),
    "not-rankable-lead": (
        "For a comparison that nobody could judge. It counts as your judgment, and the designers read why. "
        "If only you cannot judge it, skip it: somebody else will.",
        "Für einen Vergleich, den niemand beurteilen könnte. Er zählt als Ihr Urteil, und die Verantwortlichen lesen "
        "den Grund. Wenn nur Sie ihn nicht beurteilen können, überspringen Sie ihn: jemand anders übernimmt.",
    ),
    "not-rankable-why": ("Why can nobody judge it?", "Warum kann ihn niemand beurteilen?"),
    "not-rankable-words": ("In your words (optional)", "In Ihren Worten (freiwillig)"),
    "not-rankable-now": ("Mark as not rankable", "Als nicht bewertbar melden"),
    "not-rankable-reason": ("Choose a reason first.", "Wählen Sie zuerst einen Grund."),
    "not-rankable-other": ("Say in your words what it is.", "Sagen Sie in Ihren Worten, was es ist."),
    "not-rankable-done": (
        "Stored as not rankable. The designers read why.",
        "Als nicht bewertbar gespeichert. Die Verantwortlichen lesen den Grund.",
    ),
    "unrankable-prompt": ("The prompt makes no sense or is cut off", "Die Aufgabe ergibt keinen Sinn oder bricht ab"),
    "unrankable-missing": (
        "Something that it refers to is missing: a file, an image, a link",
        "Etwas, worauf sie sich bezieht, fehlt: eine Datei, ein Bild, ein Link",
    ),
    "unrankable-responses": (
        "A response is broken, cut off or belongs elsewhere",
        "Eine Antwort ist kaputt, bricht ab oder gehört nicht hierher",
    ),
    "unrankable-other": ("Something else", "Etwas anderes"),
    "report": ("Report harmful content", "Schädlichen Inhalt melden"),
    "report-lead": (
        "The designers look at it. Whether you judge or skip the comparison is up to you.",
        "Die Verantwortlichen sehen es sich an. Ob Sie den Vergleich bewerten oder überspringen, entscheiden Sie.",
    ),
    "report-label": ("What is harmful? (optional)", "Was ist schädlich? (freiwillig)"),
    "send": ("Send", "Senden"),
    "sent": ("Sent. The answer will appear here.", "Gesendet. Die Antwort erscheint hier."),
    "no-answer-yet": ("No answer yet", "Noch keine Antwort"),
    "answered": ("{who}, {time}: {text}", "{who}, {time}: {text}"),
    "understood": ("Understood", "Verstanden"),
    "pause-hold": ("Pause, keep this for me", "Pause, diesen behalten"),
    "pause-back": ("Pause, hand this back", "Pause, diesen zurückgeben"),
    "paused": ("Pause", "Pause"),
    "paused-since": (
        "The clock has stopped at {time}; you have worked for {done} today. What you wrote is kept.",
        "Die Uhr steht seit {time}; heute haben Sie {done} gearbeitet. Was Sie geschrieben haben, bleibt erhalten.",
    ),
    "go-on": ("Go on", "Weiter"),
    "rest": (
        "You have worked for {time} without a rest. A few minutes away from the screen do good.",
        "Sie arbeiten seit {time} ohne Unterbrechung. Ein paar Minuten Abstand tun gut.",
    ),
    # content
    "warning": ("Before you read on", "Bevor Sie weiterlesen"),
    "warning-kinds": ("This comparison contains: {kinds}.", "Dieser Vergleich enthält: {kinds}."),
    "warning-show": ("Show it", "Anzeigen"),
    "warning-never": ("Never show me: {kind}", "Nie mehr zeigen: {kind}"),
    "content-choice": ("Content I do not want to be shown", "Inhalte, die ich nicht sehen möchte"),
    "content-choice-help": (
        "You are never given comparisons of these kinds. It has no effect on your standing.",
        "Vergleiche dieser Art bekommen Sie nie. Das hat keinen Einfluss auf Ihre Bewertung.",
    ),
    "content-choice-none": ("None: show me everything", "Keine: alles zeigen"),
    # working time
    "log": ("How active time is counted", "Wie aktive Zeit gezählt wird"),
    "log-counts": (
        "The time between two things you do on a comparison counts. Of a longer silence {seconds} seconds count, or "
        "as long as reading the texts at {words} words a minute takes, if that is more. Pauses do not count. The "
        "clock is the server's; how fast you are plays no part.",
        "Es zählt die Zeit zwischen zwei Dingen, die Sie an einem Vergleich tun. Von längerer Stille zählen {seconds} "
        "Sekunden, oder so viel, wie das Lesen der Texte mit {words} Wörtern je Minute dauert, wenn das mehr ist. "
        "Pausen zählen nicht. Die Uhr ist die des Servers; wie schnell Sie sind, spielt keine Rolle.",
    ),
    "log-take": ("Take the log along (CSV, {n} stretches)", "Protokoll mitnehmen (CSV, {n} Abschnitte)"),
    # what the tab keeps
    "saved": ("Saved", "Gespeichert"),
    "unsaved": ("Not saved yet; this tab keeps it", "Noch nicht gespeichert; dieser Tab bewahrt es auf"),
    "kept-here": (
        "This tab kept a text that did not reach the server:",
        "Dieser Tab hat einen Text bewahrt, der nicht beim Server ankam:",
    ),
    "kept-elsewhere": (
        "This text was for a comparison that you do not hold any more:",
        "Dieser Text war für einen Vergleich, den Sie nicht mehr haben:",
    ),
    "put-back": ("Put it back", "Einsetzen"),
    "copy": ("Copy", "Kopieren"),
    "let-go": ("Let it go", "Verwerfen"),
    # revising
    "back": ("Back to the list", "Zurück zur Liste"),
    "round-closed": (
        "The round is closed: this judgment stands as it is.",
        "Die Runde ist geschlossen: dieses Urteil bleibt, wie es ist.",
    ),
    "save-revision": ("Save as a revision", "Als neue Fassung speichern"),
    "earlier-stays": (
        "The earlier version stays on record; the newest one counts.",
        "Die frühere Fassung bleibt erhalten; die neueste zählt.",
    ),
    "review-stands": ("Reviewed: it stands as you gave it.", "Geprüft: es bleibt, wie Sie es gegeben haben."),
    "review-changed": (
        "Reviewed: other answers count in the label; yours stay on record.",
        "Geprüft: in der Auswertung zählen andere Antworten; Ihre bleiben erhalten.",
    ),
    "nothing-changed": ("Nothing had changed.", "Nichts war geändert."),
    "saved-revision": ("Saved as revision {n}.", "Als Fassung {n} gespeichert."),
    # home and my work
    "date": ("{at:%-d} {at:%B %Y, %H:%M}", "{at:%-d}.{at:%-m}.{at:%Y}, {at:%H:%M}"),
    "campaign": ("Campaign", "Kampagne"),
    "no-campaign-here": ("No campaign here yet", "Hier ist noch keine Kampagne"),
    "no-campaign-here-next": (
        "This page is about a campaign that has you as a member. Ask a researcher or an admin to add you.",
        "Diese Seite gehört zu einer Kampagne, deren Mitglied Sie sind. Lassen Sie sich von einem Admin hinzufügen.",
    ),
    "hello": ("Hello, {name}", "Hallo, {name}"),
    "your-campaigns": ("Your campaigns, and where to go on.", "Ihre Kampagnen, und wo es weitergeht."),
    "nothing-today": ("Nothing rated yet today.", "Heute noch nichts bewertet."),
    "rated-today": ("{n} rated today, {time} of active time.", "Heute {n} bewertet, {time} aktive Zeit."),
    "no-campaign": ("No campaign yet", "Noch keine Kampagne"),
    "no-campaign-next": (
        "A campaign holds comparisons and the rubric they are judged by. Create one and import a file.",
        "Eine Kampagne hat Vergleiche und die Kriterien dafür. Legen Sie eine an und lesen Sie eine Datei ein.",
    ),
    "create-campaign": ("Create a campaign", "Kampagne anlegen"),
    "in-no-campaign": ("You are in no campaign yet", "Sie sind noch in keiner Kampagne"),
    "in-no-campaign-next": (
        "A researcher or an admin adds you to one; then your work appears here. Reload the page after that.",
        "Ein Admin nimmt Sie in eine auf; dann erscheint Ihre Arbeit hier. Laden Sie die Seite danach neu.",
    ),
    "in-no-campaign-write": (
        "A researcher or an admin adds you to one. Until then write and test a rubric: it needs no campaign.",
        "Ein Admin nimmt Sie in eine auf. Bis dahin schreiben und prüfen Sie Kriterien: das geht ohne Kampagne.",
    ),
    "open-studio": ("Open the studio", "Studio öffnen"),
    "campaign-closed": ("Closed: nobody gets work from it.", "Geschlossen: niemand bekommt Arbeit daraus."),
    "rated-by-you": ("{n} rated by you", "{n} von Ihnen bewertet"),
    "not-rated-by-you": ("not rated by you yet", "von Ihnen noch nichts bewertet"),
    "no-work-now": ("Your account is {state}: no work for it now.", "Ihr Konto ist {state}: zurzeit keine Arbeit."),
    "rate-on": ("Go on rating", "Weiter bewerten"),
    "rate-start": ("Start rating", "Mit dem Bewerten beginnen"),
    "round-progress": (
        "Round {name}: {n:,} of {of:,} comparisons complete; judgments: {judgments:,}",
        "Runde {name}: {n} von {of} Vergleichen fertig; Urteile: {judgments}",
    ),
    "only-you": ("Only you see this list.", "Diese Liste sehen nur Sie."),
    "nothing-submitted": ("Nothing submitted here yet", "Hier ist noch nichts abgesendet"),
    "nothing-submitted-next": (
        "What you rate in this campaign is listed here, and can be revised while its round is open.",
        "Was Sie in dieser Kampagne bewerten, steht hier und lässt sich ändern, solange die Runde offen ist.",
    ),
    "day-today": ("Today", "Heute"),
    "in-all": ("In all", "Insgesamt"),
    "active-today": ("Active time today", "Aktive Zeit heute"),
    "active-in-all": ("Active time in all", "Aktive Zeit insgesamt"),
    "day": ("Day", "Tag"),
    "judgments": ("Judgments", "Urteile"),
    "active-minutes": ("Active minutes", "Aktive Minuten"),
    "days-reading": (
        "{n} judgments on {days} days (UTC), most on {best:%-d} {best:%B} ({most}).",
        "{n} Urteile an {days} Tagen (UTC), die meisten am {best:%-d}.{best:%-m}. ({most}).",
    ),
    "how-i-do": ("How I am doing", "Wie es bei mir läuft"),
    "no-card-yet": (
        "Your card appears the day after your first judgments.",
        "Ihre Karte erscheint am Tag nach Ihren ersten Urteilen.",
    ),
    "card-of": (
        "Your {n:,} votes from before {day:%Y-%m-%d} (UTC). Only you and the designers see this.",
        "Ihre {n} Stimmen von vor dem {day:%-d}.{day:%-m}.{day:%Y} (UTC). Das sehen nur Sie und die Verantwortlichen.",
    ),
    "newer": ("Newer", "Neuere"),
    "older": ("Older", "Ältere"),
    "no-overall": ("no overall answer", "kein Gesamturteil"),
    "revised": (", revised {n}×", ", {n}× geändert"),
    "revise": ("Revise", "Ändern"),
    "view": ("View", "Ansehen"),
    # the card of a rater
    "plain-words": ("In plain words", "In einfachen Worten"),
    "card-agreement_with_others": ("agreement with others", "Übereinstimmung mit anderen"),
    "card-gold_accuracy": ("gold accuracy", "Treffer bei bekannter Lösung"),
    "card-recent_gold_accuracy": (
        "gold accuracy, recent answers counting more",
        "Treffer bei bekannter Lösung, neuere zählen mehr",
    ),
    "card-self_consistency": ("self-consistency on blind repeats", "gleiche Antwort bei verdeckter Wiederholung"),
    "card-label_error_rate": ("label error rate", "Anteil falscher Antworten"),
    "card-first_shown_wins": ("first shown wins", "zuerst Gezeigtes gewinnt"),
    "card-tie_share": ("ties", "Gleichstände"),
    "card-missing_share": ("cannot judge, or does not apply", "nicht zu beurteilen oder trifft nicht zu"),
    "card-duplicate_justifications": ("repeated justifications", "wiederholte Begründungen"),
    "measure": ("Measure", "Maß"),
    "value": ("Value", "Wert"),
    "undefined": ("undefined: {reason}", "nicht bestimmt: {reason}"),
    "too-little": ("too little data", "zu wenig Daten"),
    "pace": (
        "Pace: {seconds:.0f} s (median){beside}; {n_fast} of {n} too fast to read",
        "Tempo: {seconds:.0f} s (Median){beside}; {n_fast} von {n} zu schnell, um gelesen zu haben",
    ),
    "pace-beside": (
        ", {relative:.2f} times the others' time on the same",
        ", das {relative:.2f}-Fache der Zeit der anderen für dasselbe",
    ),
    "drift": (
        "Drift on gold (CUSUM): {state}, level {level:.2f}, answers: {n}",
        "Verlauf bei bekannter Lösung (CUSUM): {state}, Stand {level:.2f}, Antworten: {n}",
    ),
    "state-steady": ("steady", "stetig"),
    "state-warn": ("crossed the line for a talk", "über der Grenze für ein Gespräch"),
    "state-stop": ("crossed the line for a pause", "über der Grenze für eine Pause"),
    "overconfident": (
        "Confidence: overconfident by {bias:.2f}, gold answers: {n}",
        "Sicherheit: um {bias:.2f} zu hoch, Antworten mit bekannter Lösung: {n}",
    ),
    "underconfident": (
        "Confidence: underconfident by {bias:.2f}, gold answers: {n}",
        "Sicherheit: um {bias:.2f} zu niedrig, Antworten mit bekannter Lösung: {n}",
    ),
    "stronger-words": (
        "Words: stronger than the others' by {by:.2f} of the scale ({n} shared votes)",
        "Urteile: um {by:.2f} der Skala stärker als die der anderen ({n} gemeinsame Stimmen)",
    ),
    "weaker-words": (
        "Words: weaker than the others' by {by:.2f} of the scale ({n} shared votes)",
        "Urteile: um {by:.2f} der Skala schwächer als die der anderen ({n} gemeinsame Stimmen)",
    ),
    "side-run": (
        "Longest run of one side: {longest} of {n} (p = {p:.2f})",
        "Längste Folge derselben Seite: {longest} von {n} (p = {p:.2f})",
    ),
    "tiring-rises": (
        "Within a sitting, disagreement rises (z = {z:.1f}, p = {p:.2f})",
        "Im Lauf einer Sitzung nimmt die Abweichung zu (z = {z:.1f}, p = {p:.2f})",
    ),
    "tiring-falls": (
        "Within a sitting, disagreement falls (z = {z:.1f}, p = {p:.2f})",
        "Im Lauf einer Sitzung nimmt die Abweichung ab (z = {z:.1f}, p = {p:.2f})",
    ),
    "own-drift": (
        "Of your last {last} answers whose answer is known, {share} were right ({n} in all).",
        "Von Ihren letzten {last} Antworten mit bekannter Lösung waren {share} richtig (insgesamt {n}).",
    ),
    "own-card": (
        """Only you and those who run the campaign see this. It counts what you submitted before today.

**Agreement with others** is how often you and somebody else said the same of the same comparison. Where comparisons are
hard, it is low for everybody. **Gold accuracy** is how often you were right where the answer is known.
**First shown wins** near 50 % means that the place on the screen does not matter to you. The numbers in brackets are
the 95 % interval: with few answers it is wide, and then the number says little.""",
        """Das sehen nur Sie und die Verantwortlichen der Kampagne. Gezählt ist, was Sie vor heute abgesendet haben.

**Übereinstimmung mit anderen** sagt, wie oft Sie und jemand anders über denselben Vergleich dasselbe gesagt haben. Bei
schweren Vergleichen ist sie bei allen niedrig. **Treffer bei bekannter Lösung** sagt, wie oft Sie richtig lagen, wo die
Lösung bekannt ist. **Zuerst Gezeigtes gewinnt** nahe 50 % heißt, dass der Platz auf dem Bildschirm für Sie keine Rolle
spielt. Die Zahlen in Klammern sind das 95-%-Intervall: bei wenigen Antworten ist es breit, und dann sagt die Zahl
wenig.""",
    ),
    # exam and calibration
    "stands-applicant": ("You have yet to pass the exam.", "Sie müssen die Prüfung noch bestehen."),
    "stands-training": ("You are learning the rubric.", "Sie lernen die Kriterien."),
    "stands-qualified": ("You get work, and all is well.", "Sie bekommen Arbeit, und alles ist in Ordnung."),
    "stands-warned": (
        "You get work. Your recent answers were less good: some refreshers will help.",
        "Sie bekommen Arbeit. Ihre letzten Antworten waren weniger gut: einige Auffrischungen helfen.",
    ),
    "stands-paused": ("You get no work here at the moment.", "Sie bekommen hier zurzeit keine Arbeit."),
    "stands-retired": ("Your account is retired.", "Ihr Konto ist stillgelegt."),
    "account-applicant": ("waiting for the exam", "neu, vor der Prüfung"),
    "account-training": ("in training", "in Ausbildung"),
    "account-qualified": ("qualified", "zugelassen"),
    "account-warned": ("warned", "verwarnt"),
    "account-paused": ("paused", "angehalten"),
    "account-retired": ("retired", "stillgelegt"),
    "sits-ready": ("You can take the exam now.", "Sie können die Prüfung jetzt ablegen."),
    "sits-running": ("Your exam has begun.", "Ihre Prüfung hat begonnen."),
    "sits-waiting": ("The retry opens after a wait.", "Der zweite Versuch öffnet nach einer Wartezeit."),
    "sits-waiting-until": (
        "You may try once more, with other questions, from {at} on.",
        "Sie dürfen es mit anderen Fragen noch einmal versuchen, ab {at}.",
    ),
    "sits-lessons": ("Some lessons come first.", "Zuerst kommen einige Lektionen."),
    "sits-lessons-1": (
        "This campaign asks for the foundation lessons before the exam. They are under Learn.",
        "Diese Kampagne verlangt vor der Prüfung die Grundlagen. Sie stehen unter Lernen.",
    ),
    "sits-lessons-2": (
        "This campaign asks for the advanced lessons before the exam. They are under Learn.",
        "Diese Kampagne verlangt vor der Prüfung die Lektionen für Fortgeschrittene. Sie stehen unter Lernen.",
    ),
    "sits-lessons-3": (
        "This campaign asks for the expert lessons before the exam. They are under Learn.",
        "Diese Kampagne verlangt vor der Prüfung die Lektionen für Experten. Sie stehen unter Lernen.",
    ),
    "sits-no_items": (
        "You have seen every question that there is. The exam goes on by itself when new ones are added.",
        "Sie haben alle Fragen gesehen, die es gibt. Die Prüfung geht von selbst weiter, wenn neue dazukommen.",
    ),
    "sits-review": ("A designer decides how to go on.", "Die Verantwortlichen entscheiden, wie es weitergeht."),
    "sits-certified": ("You hold the certificate.", "Sie haben das Zertifikat."),
    "sits-retired": ("Your account is retired.", "Ihr Konto ist stillgelegt."),
    "sits-none": ("No exam is asked for here.", "Hier wird keine Prüfung verlangt."),
    "exam-lead": (
        "Comparisons with a known answer. Once passed, you get work; how you do is measured the same way later.",
        "Vergleiche mit bekannter Lösung. Wer besteht, bekommt Arbeit; später wird auf dieselbe Weise gemessen.",
    ),
    "no-exam": ("No exam here", "Hier gibt es keine Prüfung"),
    "no-exam-next": (
        "This campaign gives work to its members at once.",
        "Diese Kampagne gibt ihren Mitgliedern sofort Arbeit.",
    ),
    "exam-rules": (
        "It asks 12 to {most} questions and stops as soon as your answers are clear. Take your time: speed "
        "does not count. You can stop and go on later. If it does not work out, you may try once more after "
        "{hours:g} hours.",
        "Sie stellt 12 bis {most} Fragen und endet, sobald Ihre Antworten klar sind. Nehmen Sie sich Zeit: "
        "Tempo zählt nicht. Sie können aufhören und später weitermachen. Wenn es nicht gelingt, dürfen Sie es"
        " nach {hours:g} Stunden noch einmal versuchen.",
    ),
    "begin-exam": ("Begin the exam", "Prüfung beginnen"),
    "practise-first": ("Practise first", "Zuerst üben"),
    "to-lessons": ("To the lessons", "Zu den Lektionen"),
    "to-work": ("To the work", "Zur Arbeit"),
    "to-exam": ("To the exam", "Zur Prüfung"),
    "to-refreshers": ("To the refreshers", "Zu den Auffrischungen"),
    "why-and-appeal": ("Why, and how to appeal", "Warum, und wie Sie Einspruch erheben"),
    "question-number": (
        "Question {n}. The number of questions depends on your answers.",
        "Frage {n}. Wie viele es werden, hängt von Ihren Antworten ab.",
    ),
    "no-certificate": (
        "A designer qualified you without an exam; there is no certificate to download.",
        "Sie wurden ohne Prüfung zugelassen; es gibt kein Zertifikat zum Herunterladen.",
    ),
    "get-certificate": ("Download the certificate", "Zertifikat herunterladen"),
    "certificate-signed": (
        "Signed by this installation: `steelyard verify certificate FILE` checks it here.",
        "Von dieser Installation unterschrieben: `steelyard verify certificate DATEI` prüft es hier.",
    ),
    "class-tie": ("the responses are equal", "die Antworten sind gleich gut"),
    "class-both_bad": ("both responses are bad", "beide Antworten sind schlecht"),
    "class-response": ("response {name} is better", "Antwort {name} ist besser"),
    "passed": ("Passed", "Bestanden"),
    "not-passed": ("Not passed", "Nicht bestanden"),
    "right": ("Right", "Richtig"),
    "n-of": ("{n} of {of}", "{n} von {of}"),
    "told-apart": ("Told apart", "Unterschieden"),
    "one-and-other": ("{first} and {second}", "{first} und {second}"),
    "accuracies": ("Accuracies", "Anteile richtiger Antworten"),
    "partial-credit": ("Partial credit", "Teilpunkte"),
    "certificate-until": ("The certificate holds until {at}.", "Das Zertifikat gilt bis {at}."),
    "exam-ended": ("Ended {at}.", "Beendet {at}."),
    "exam-stops": (
        "The exam stops as soon as the answers speak clearly for an accuracy of {p1:.0%} or of {p0:.0%}, "
        "after {most:.0f} questions at the latest; every kind of answer needs {least:.0%}.",
        "Die Prüfung endet, sobald die Antworten klar für einen Anteil richtiger Antworten von {p1:.0%} oder "
        "von {p0:.0%} sprechen, spätestens nach {most:.0f} Fragen; jede Art von Antwort braucht {least:.0%}.",
    ),
    "where": ("Where", "Wo"),
    "criterion": ("Criterion", "Kriterium"),
    "by-criterion": ("By criterion, where the key speaks of one", "Nach Kriterium, wo die Lösung eines nennt"),
    "right-answers": ("right answers", "richtige Antworten"),
    "least-well": (
        "{name} went least well: {share:.0%} of {n} right.",
        "{name} ging am wenigsten gut: {share:.0%} von {n} richtig.",
    ),
    "all-right": ("Every answer was right.", "Jede Antwort war richtig."),
    "calibration-lead": (
        "How you are doing, what was decided, and why. Only you and those who run the campaign see this.",
        "Wie es bei Ihnen läuft, was entschieden wurde und warum. Das sehen nur Sie und die Verantwortlichen "
        "der Kampagne.",
    ),
    "skills": ("Skills", "Fähigkeiten"),
    "your-card": ("Your card", "Ihre Karte"),
    "no-card": ("No card yet", "Noch keine Karte"),
    "no-card-next": (
        "It appears the day after your first judgments here.",
        "Sie erscheint am Tag nach Ihren ersten Urteilen hier.",
    ),
    "decisions": ("Decisions", "Entscheidungen"),
    "nothing-decided": ("Nothing was decided about you here.", "Hier wurde nichts über Sie entschieden."),
    "appeal": ("Appeal", "Einspruch"),
    "appeal-what": ("What is wrong with this decision?", "Was ist an dieser Entscheidung falsch?"),
    "appeal-send": ("Send the appeal", "Einspruch absenden"),
    "appeal-note": (
        "A designer reads it and answers. It changes nothing for the worse.",
        "Die Verantwortlichen lesen ihn und antworten. Er verschlechtert nichts.",
    ),
    "decided": ("{at}, by {by}", "{at}, von {by}"),
    "withdrawn": ("withdrawn", "zurückgenommen"),
    "figures": ("The figures", "Die Zahlen"),
    "granted": ("granted", "stattgegeben"),
    "not-granted": ("not granted", "nicht stattgegeben"),
    "answer-of": ("Answer of {name}", "Antwort von {name}"),
    "decision-passed": ("Exam passed", "Prüfung bestanden"),
    "decision-failed": ("Exam not passed", "Prüfung nicht bestanden"),
    "decision-warned": ("Warned", "Verwarnt"),
    "decision-cleared": ("Warning over", "Verwarnung beendet"),
    "decision-paused": ("Paused", "Angehalten"),
    "decision-review": ("A designer decides", "Die Verantwortlichen entscheiden"),
    "decision-requalified": ("Gets work again", "Bekommt wieder Arbeit"),
    "decision-skill": ("Level changed", "Stufe geändert"),
    "figure-n_gold": ("answers with a known key", "Antworten mit bekannter Lösung"),
    "figure-accuracy": ("right on them, recent ones counting more", "davon richtig, neuere zählen mehr"),
    "figure-low": ("at least, with 90 % belief", "mindestens, mit 90 % Gewissheit"),
    "figure-cusum": (
        "evidence of decline on gold (warning at 3.5, pause at 4.5)",
        "Anzeichen für Nachlassen bei bekannter Lösung (Verwarnung ab 3,5, Pause ab 4,5)",
    ),
    "figure-cusum_with_peers": (
        "with agreement (pause at 4.5 to 10.4, the less gold there is the higher)",
        "mit Übereinstimmung (Pause ab 4,5 bis 10,4, höher bei wenig bekannten Lösungen)",
    ),
    "figure-n_beside_others": ("answers beside others'", "Antworten neben denen anderer"),
    "figure-n_returned": ("comparisons given back to the queue", "Vergleiche, die andere noch einmal bekommen"),
    "figure-n_right": ("right", "richtig"),
    "figure-n": ("answers", "Antworten"),
    "no-skills": (
        "No skills yet: levels come with answers to comparisons of a domain or language whose key is known.",
        "Noch keine Fähigkeiten: Stufen kommen mit Antworten auf Vergleiche mit bekannter Lösung.",
    ),
    "skill": ("Skill", "Fähigkeit"),
    "level": ("Level", "Stufe"),
    "evidence": ("Evidence", "Beleg"),
    "since": ("Since", "Seit"),
    "until": ("Until", "Bis"),
    # lessons
    "learn-lead": (
        "Try as often as you like: nothing here counts against you, and the explanation comes at once.",
        "Versuchen Sie es, so oft Sie wollen: nichts zählt hier gegen Sie, und die Erklärung kommt sofort.",
    ),
    "no-lessons": ("No lessons yet", "Noch keine Lektionen"),
    "no-lessons-next": (
        "Lessons are made from the examples and rules of the rubric; a designer can add some under Rubrics.",
        "Lektionen entstehen aus den Beispielen und Regeln der Kriterien; die Verantwortlichen können welche ergänzen.",
    ),
    "foundation": ("Foundation", "Grundlagen"),
    "advanced": ("Advanced", "Für Fortgeschrittene"),
    "expert": ("Expert", "Für Experten"),
    "about-foundation": (
        "One criterion at a time, on the rubric's own examples",
        "Ein Kriterium nach dem anderen, an den eigenen Beispielen",
    ),
    "about-advanced": ("What prevails where criteria pull apart", "Was Vorrang hat, wo Kriterien auseinandergehen"),
    "about-expert": ("Real comparisons that were settled", "Echte Vergleiche, die entschieden sind"),
    "refreshers-left": (
        "Refreshers to answer right: {n}. Then good work ends the warning.",
        "Noch richtig zu beantwortende Auffrischungen: {n}. Dann beendet gute Arbeit die Verwarnung.",
    ),
    "needed-for-exam": ("needed for the exam", "für die Prüfung nötig"),
    "n-right": ("{right} of {n} right", "{right} von {n} richtig"),
    "none-yet": ("none yet", "noch keine"),
    "lessons-done": (
        "Every lesson is answered right. Choose one below to look at it again.",
        "Alle Lektionen sind richtig beantwortet. Wählen Sie unten eine, um sie noch einmal anzusehen.",
    ),
    "lesson-right": ("Right: {right}.", "Richtig: {right}."),
    "lesson-wrong": ("You said: {said}. The key says: {right}.", "Sie sagten: {said}. Die Lösung sagt: {right}."),
    "or": ("{first} or {second}", "{first} oder {second}"),
    "next-lesson": ("Next lesson", "Nächste Lektion"),
    "try-again": ("Try again", "Noch einmal versuchen"),
    "rubrics-words": ("In the rubric's own words", "In den Worten der Kriterien"),
    "all-lessons": ("All lessons", "Alle Lektionen"),
    "tutor": ("Tutor", "Nachschlagen"),
    "tutor-what": (
        "Finds what the rubric says. It quotes, and makes nothing up.",
        "Findet, was in den Kriterien steht. Es wird zitiert und nichts erfunden.",
    ),
    "your-question": ("Your question", "Ihre Frage"),
    "question-example": ("Is a refusal harmless?", "Ist eine Ablehnung harmlos?"),
    "no-passage": (
        "The rubric has no passage with these words. Ask a designer from the rating page.",
        "In den Kriterien gibt es keine Stelle mit diesen Worten. Fragen Sie beim Bewerten die Verantwortlichen.",
    ),
    # account
    "roles": ("Roles: {roles}", "Rollen: {roles}"),
    "no-roles": ("none yet; an admin gives them.", "noch keine; ein Admin vergibt sie."),
    "log-out": ("Log out", "Abmelden"),
    "logged-in-where": ("Where you are logged in", "Wo Sie angemeldet sind"),
    "logged-in-since": ("Since {since}, until {until}", "Seit {since}, bis {until}"),
    "this-browser": ("(this browser)", "(dieser Browser)"),
    "and-more": ("and {n} more", "und {n} weitere"),
    "end-others": ("End the other {n}", "Die anderen beenden ({n})"),
    "password": ("Password", "Passwort"),
    "password-old": ("Present password", "Bisheriges Passwort"),
    "password-new": ("New password", "Neues Passwort"),
    "password-again": ("The new one again", "Das neue noch einmal"),
    "password-change": ("Change password", "Passwort ändern"),
    "passwords-differ": ("The two new passwords differ.", "Die beiden neuen Passwörter sind verschieden."),
    "password-short": (
        "The password has {n} characters: use at least {limit}.",
        "Das Passwort hat {n} Zeichen: nehmen Sie mindestens {limit}.",
    ),
    "password-long": (
        "The password has {n} characters: use at most {limit}.",
        "Das Passwort hat {n} Zeichen: nehmen Sie höchstens {limit}.",
    ),
    "password-easy": (
        "The password is too easy to guess: use a few unrelated words.",
        "Das Passwort ist zu leicht zu erraten: nehmen Sie ein paar Wörter ohne Zusammenhang.",
    ),
    "password-wrong": ("The present password is not right.", "Das bisherige Passwort stimmt nicht."),
    "password-changed": (
        "Changed. Your other log-ins were ended.",
        "Geändert. Ihre anderen Anmeldungen wurden beendet.",
    ),
    "screen": ("The rating screen", "Der Bewertungsplatz"),
    "language": ("Language", "Sprache"),
    "language-browser": ("as the browser", "wie der Browser"),
    "language-help": (
        "Of the pages on which you rate. Texts to judge stay as they are.",
        "Der Seiten, auf denen Sie bewerten. Texte, die zu beurteilen sind, bleiben, wie sie sind.",
    ),
}
