"""The table of all codes, for docs/trace-reasons.md:  python -m lan.trace.why"""

from lan.trace.why.codes import table

if __name__ == "__main__":
    print(table())
