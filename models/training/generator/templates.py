"""Notes of software teams and how they are to be worded, written by hand for this project: mail, issues, chat, design, support.

Slots in braces are filled at random: {p} who speaks, {q} {r} others, {c} a component, {d} a day, {n} a number, {v} a version,
{t} a thing that is asked for. Each line is (task, note, wording, whether `{p}: ` stands before the note).
"""

FIRST = (
    "Ana Raj Mira Tom Wei Lena Omar Sofia Kofi Yuki Elena Marcus Priya Noah Zara Felix Ingrid Hugo Amara Ivan Chloe Diego Fatima "
    "Jonas Keiko Liam Maya Nils Olga Pablo Quentin Rosa Samir Tara Uma Viktor Wanda Xavier Yara Zoe Bruno Carmen Dmitri Esther "
    "Farid Greta Hana Igor Jana Karim Lucia Mateo Nadia Oskar Petra Rafael Selma Theo Ursula Vera Walid Anders Bianca Cyrus"
).split()
LAST = (
    "Lima Okafor Reyes Chen Haddad Novak Mensah Tanaka Petrov Webb Nair Brandt Silva Moreau Kim Larsen Ortiz Aziz Weber Sato "
    "Murphy Costa Berg Ivanova Ruiz Laurent Vega Khan Shah Sokolov Kowalski Duarte Mbeki Rossi Hansen Fischer Popov Alvarez"
).split()
COMPONENTS = (
    "parser|search index|login page|export job|billing service|mobile app|cache|build server|payment gateway|API gateway|"
    "notification service|scheduler|image resizer|audit log|data pipeline|admin panel|rate limiter|staging cluster|"
    "documentation site|migration script|onboarding flow|feature flag|report generator|load balancer|"
    "session store|webhook handler|CSV importer|password reset|test suite"
).split("|")
DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|next week|14 March|3 June|the end of the month|tomorrow|22 September|noon".split("|")
VERSIONS = "1.24|2.0|3.7.1|0.9|5.2|2.11|4.0.3|1.8".split("|")
THINGS = "the release notes|the test plan|the logs|access to the dashboard|the incident report|a draft of the proposal|the benchmark numbers|the migration guide|the contract|the customer list".split("|")
REASONS = (
    "two customers reported lost data|the tests are flaky|the vendor raised its price|the certificate expires soon|"
    "the database runs out of connections|nobody owns the old code|the new version doubles the memory use|"
    "the security review found a problem|the deadline moved|users cannot log in|it takes more than an hour"
).split("|")
TITLES = (
    "Weekly sync|Release {v}|Planning call|Retrospective|{c} is slow|Incident review|Design review|Upgrade to {v}|Moving the {c}|"
    "{c}: next steps|Bug: {c} fails|Proposal: replace the {c}|Question about the {c}|Support rota|Budget|Roadmap|Stand-up|"
    "Draft agenda|Hiring|Meeting notes|[dev] {c}|Re: {c}|RFC: {c}|Project kick-off"
).split("|")

PAIRS = [
    # Decisions
    ("decision", "ok so we agreed to move the {c} to {d}, {why}", "They agreed to move the {c} to {d}, {why}.", 1),
    ("decision", "Decision: we keep the {c} as it is until {v} ships.", "The decision is to keep the {c} as it is until {v} ships.", 1),
    ("decision", "So, um, I think we decided to drop the {c} because {why}.", "{p} thinks they decided to drop the {c} because {why}.", 1),
    ("decision", "We've decided not to ship the {c} with {v}.", "They have decided not to ship the {c} with {v}.", 1),
    ("decision", "Right, let's go with option {n} for the {c} then.", "{p} said they should go with option {n} for the {c}.", 1),
    ("decision", "RESOLVED: Replace the {c} before {d}.", "They resolved to replace the {c} before {d}.", 0),
    ("decision", "Closing this. We won't support the {c} on Windows, {why}.", "They will not support the {c} on Windows, {why}.", 1),
    ("decision", "After talking to {q} we chose to rewrite the {c} instead of patching it.", "After talking to {q} they chose to rewrite the {c} instead of patching it.", 1),
    ("decision", "Approved. Merge it once the {c} is green.", "{p} said to merge it once the {c} is green.", 1),
    ("decision", "Agreed: {q} owns the {c} from {d} on.", "They agreed that {q} owns the {c} from {d} on.", 0),
    # Facts and states
    ("bottom line", "hey folks, heads up: the {c} is down since {d} because {why}", "The {c} is down since {d} because {why}.", 1),
    ("bottom line", "Hi all, just a quick note that the {c} failed {n} times last night, {why}.", "The {c} failed {n} times last night, {why}.", 1),
    ("bottom line", "The {c} will be switched off on {d}.", "The {c} will be switched off on {d}.", 1),
    ("bottom line", "I think the {c} is the real problem here, honestly.", "{p} thinks the {c} is the real problem here.", 1),
    ("bottom line", "I'm blocked on the {c}, {why}.", "{p} is blocked on the {c}, {why}.", 1),
    ("bottom line", "I've fixed the {c} in {v}, please have a look when you get a chance.", "{p} has fixed the {c} in {v}.", 1),
    ("bottom line", "We're still waiting for {q} to approve the {c}.", "{p} said they are still waiting for {q} to approve the {c}.", 1),
    ("bottom line", "Well, I mean, we could, you know, move the {c} to {d} or something.", "{p} said they could move the {c} to {d}.", 1),
    ("bottom line", "maybe we should roll back the {c} to {v}?", "{p} asked if they should roll back the {c} to {v}.", 1),
    ("bottom line", "I would propose that we split the {c} into {n} smaller parts.", "{p} would propose that they split the {c} into {n} smaller parts.", 1),
    ("bottom line", "This proposal adds the {c} that runs every {n} minutes.", "The proposal adds the {c} that runs every {n} minutes.", 0),
    ("bottom line", "This document describes how the {c} is replaced in {v} and what users must change.", "This document describes how the {c} is replaced in {v} and what users must change.", 0),
    ("bottom line", "I don't think we can finish the {c} by {d}.", "{p} does not think they can finish the {c} by {d}.", 1),
    ("bottom line", "My concern is that the {c} breaks when {why}.", "{p} said their concern is that the {c} breaks when {why}.", 1),
    ("bottom line", "Honestly I'd rather wait for {v} before we touch the {c}.", "{p} would rather wait for {v} before they touch the {c}.", 1),
    ("bottom line", "The {c} now takes {n} seconds instead of {m}, which is great.", "The {c} now takes {n} seconds instead of {m}.", 1),
    ("bottom line", "Steps to reproduce: open the {c} and click save, and it crashes with error {n}.", "Open the {c} and click save, and it crashes with error {n}.", 1),
    ("bottom line", "I ran into the same thing on {v}, the {c} hangs for {n} minutes and then gives up.", "{p} ran into the same thing on {v}, the {c} hangs for {n} minutes and then gives up.", 1),
    ("bottom line", "Not a bug in the {c}: {why}.", "It is not a bug in the {c}, {why}.", 1),
    ("bottom line", "{q} is moving to another team, so nobody looks after the {c} after {d}.", "{q} is moving to another team, so nobody looks after the {c} after {d}.", 1),
    ("bottom line", "From our side everything is ready for {d} except the {c}.", "{p} said everything is ready for {d} except the {c}.", 1),
    ("bottom line", "Quick update - the {c} is back, root cause was that {why}.", "The {c} is back, the root cause was that {why}.", 1),
    ("bottom line", "It turns out that {why}, so the {c} has to wait until {d}.", "{why}, so the {c} has to wait until {d}.", 1),
    ("bottom line", "We need {n} more machines for the {c} or we miss {d}.", "{p} said they need {n} more machines for the {c} or they miss {d}.", 1),
    # Asks and promises
    ("ask", "{q}, could you please send {t} by {d}?", "{p} asked {q} to send {t} by {d}.", 1),
    ("ask", "Can someone review the {c} before {d}?", "{p} asked if they can review the {c} before {d}.", 1),
    ("ask", "Please update the {c} to {v} and restart it.", "{p} asked them to update the {c} to {v} and restart it.", 1),
    ("ask", "I'll send {t} to {q} on {d}.", "{p} will send {t} to {q} on {d}.", 1),
    ("ask", "Yeah sure, I can look at the {c} on {d}.", "{p} can look at the {c} on {d}.", 1),
    ("ask", "@{q} please check the {c}, {why}", "{p} asked {q} to check the {c}, {why}.", 1),
    ("ask", "we need {t} from {q} by {d}", "{p} said they need {t} from {q} by {d}.", 1),
    ("ask", "{q} will write {t} and share it on {d}.", "{q} will write {t} and share it on {d}.", 1),
    ("ask", "ACTION: {q} to update the {c} by {d}", "{q} is to update the {c} by {d}.", 0),
    ("ask", "I'm going to take the {c} and {q} takes the docs.", "{p} is going to take the {c} and {q} takes the docs.", 1),
    ("ask", "{q}, would you mind sharing {t} with us?", "{p} asked if {q} would mind sharing {t} with them.", 1),
    ("ask", "Don't forget to rotate the keys of the {c} before {d}.", "{p} asked them not to forget to rotate the keys of the {c} before {d}.", 1),
    ("bottom line", "Add the {c} to the checklist before {d}.", "{p} said to add the {c} to the checklist before {d}.", 1),
    ("bottom line", "Provide a fallback for the {c}, {why}.", "{p} said to provide a fallback for the {c}, {why}.", 1),
    ("ask", "Make sure that the {c} is tested with {v}.", "{p} said to make sure that the {c} is tested with {v}.", 1),
    ("ask", "Do not touch the {c} until {q} is back!", "{p} said not to touch the {c} until {q} is back.", 1),
    ("bottom line", "Keep the {c} behind a flag for now", "{p} said to keep the {c} behind a flag for now.", 1),
    ("bottom line", "Ensure that the {c} is restarted after every deploy.", "{p} said to ensure that the {c} is restarted after every deploy.", 1),
    # Questions
    ("question", "Do we still need the {c} after {v}?", "{p} asked if they still need the {c} after {v}.", 1),
    ("question", "hm, who owns the {c} these days?", "{p} asked who owns the {c} these days.", 1),
    ("question", "Why does the {c} restart every {n} minutes?", "{p} asked why the {c} restarts every {n} minutes.", 1),
    ("question", "Is there any reason why the {c} is not in {v}?", "{p} asked if there is any reason why the {c} is not in {v}.", 1),
    ("question", "what happens to the {c} when {why}?", "{p} asked what happens to the {c} when {why}.", 1),
    ("question", "So should we ship the {c} on {d} or wait for {q}?", "{p} asked if they should ship the {c} on {d} or wait for {q}.", 1),
    ("question", "Did anyone test the {c} with {v} yet?", "{p} asked if they did test the {c} with {v} yet.", 1),
    ("question", "How long will the {c} be unavailable on {d}?", "{p} asked how long the {c} will be unavailable on {d}.", 1),
    ("question", "I wonder whether the {c} could be slow because {why}.", "{p} wonders whether the {c} could be slow because {why}.", 1),
]

# Notes that tell nothing, alone or together.
EMPTY = """Okay.|Yeah.|Mm-hmm.|Right.|Thanks!|Thank you all.|Sounds good.|Good morning everyone.|Hi all!|+1|Great, thanks.|Have a nice weekend!|
Can you hear me?|Sorry, I was on mute.|Bye.|See you next week.|Talk soon.|lol|Cool.|Hm.|No problem.|Let me share my screen.|
Is everybody here?|One second.|How was your holiday?|It is raining again here.|Nice to meet you.|I need a coffee first.|You too.|
Got it, thank you!|Welcome back!|Yes.|No, go ahead.|Sorry, you go first.|Congrats!|Happy birthday!|Thanks for joining.|brb|
Same here.|Ha, true.|Exactly.|Oh, I see.|Cheers|Best regards|Sent from my phone|Good point.|Lovely.|Hello, hello?|I am good, how are you?|
We lost you for a moment.|Let's wait two more minutes for the others.|ping|ok|thx!|Haha.|Well.|Wow, nice.|Hope you are well.""".replace("\n", "").split("|")


def fill(draw):
    """One filled pair: (task, speaker or None, note, wording, names). `draw` is a random.Random."""
    task, note, wording, spoken = draw.choice(PAIRS)
    full = [f"{first} {draw.choice(LAST)}" if draw.random() < 0.6 else first for first in draw.sample(FIRST, 3)]
    n, m = draw.sample(range(2, 60), 2)
    component = draw.choice(COMPONENTS)
    slots = {
        "p": full[0], "q": full[1], "r": full[2], "c": component, "d": draw.choice(DAYS), "n": n, "m": m,
        "v": draw.choice(VERSIONS), "t": draw.choice(THINGS), "why": draw.choice(REASONS),
    }
    note, wording = note.format(**slots), wording.format(**slots)
    speaker = full[0] if spoken else None
    capital = lambda text: text if speaker and text.startswith(speaker) else text[0].upper() + text[1:]
    return task, speaker, note, capital(wording), full


def title(draw):
    """A title such as teams give."""
    return draw.choice(TITLES).format(c=draw.choice(COMPONENTS), v=draw.choice(VERSIONS)).capitalize()
