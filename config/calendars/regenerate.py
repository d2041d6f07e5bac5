"""Writes holidays.tsv, the days off that bluf ships, from the Python package `holidays`.

    python -m pip install holidays==0.108
    python config/calendars/regenerate.py

One line a holiday: country or country-subdivision, name, dates. A subdivision's lines hold what it has beside its
country's; where it drops a day of its country's, all of its days are written and its code begins with "=".
"""

import collections
import pathlib

import holidays

YEARS = range(2020, 2036)
COUNTRIES = """AR AT AU BE BG BR CA CH CL CN CO CZ DE DK EE ES FI FR GB GR HK HR HU ID IE IL IN IT JP KR LT LU LV MX MY
NG NL NO NZ PE PH PL PT RO RS SE SG SI SK TH TR TW UA US VN ZA""".split()
WITH_PARTS = "AT AU CA CH DE ES GB IT NZ PT".split()
HERE = pathlib.Path(__file__).parent


def days(country, part=None):
    table = holidays.country_holidays(country, subdiv=part, years=YEARS, language=language(country))
    return {(day, clean(name)) for day, names in table.items() for name in names.split("; ") if day.year in YEARS}


def language(country):
    known = getattr(holidays, country).supported_languages or ()
    return next((tongue for tongue in ("en_US", "en_GB", "en") if tongue in known), None)


def clean(name):
    return " ".join(name.split())


def lines(place, entries):
    by_name = collections.defaultdict(list)
    for day, name in entries:
        by_name[name].append(day)
    ordered = sorted(by_name.items(), key=lambda item: (min(day.timetuple().tm_yday for day in item[1]), item[0]))
    return [f"{place}\t{name}\t{' '.join(day.isoformat() for day in sorted(dates))}" for name, dates in ordered]


def main():
    out = [f"# Made by regenerate.py from the Python package holidays {holidays.__version__}, {YEARS[0]}-{YEARS[-1]}."]
    for country in COUNTRIES:
        whole = days(country)
        out += lines(country, whole)
        parts = getattr(holidays, country).subdivisions if country in WITH_PARTS else ()
        for part in sorted(part for part in parts if " " not in part):
            here = days(country, part)
            if {day for day, _ in whole} - {day for day, _ in here}:
                out += lines(f"={country}-{part}", here)
            elif here - whole:
                out += lines(f"{country}-{part}", here - whole)
    (HERE / "holidays.tsv").write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
