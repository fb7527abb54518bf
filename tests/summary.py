# SPDX-License-Identifier: Apache-2.0
"""summary.py LOGS: reads "PHASE good|FAILED|skipped" lines; a phase that ran ctest left LOGS/PHASE.xml and counts with its
tests, any other counts as one. Says loudly what was skipped, what passed only when played again and what failed, with the first errors of each, and ends with "N passed, N failed, N skipped". Exit 1 unless something passed and nothing failed."""
import pathlib
import re
import sys
import xml.etree.ElementTree as xml



def first_words(printed):
    """Of a failed test: where its first failed check or a sanitizer's report begins, and some lines of it."""
    lines = [text for text in printed.splitlines() if text.strip()]
    begins = [n for n, text in enumerate(lines) if "ERROR" in text or "WARNING: ThreadSanitizer" in text]
    begin = max(begins[0] - 2, 0) if begins else max(len(lines) - 12, 0)
    return lines[begin:begin + 12]


passed, failures, errors, skips, again = 0, [], [], [], []
for line in sys.stdin:
    phase, verdict = line.split()
    results = pathlib.Path(sys.argv[1], phase + ".xml")
    failed = 0
    log = pathlib.Path(sys.argv[1], phase + ".log")
    if results.exists():
        # ctest's report has only the last try of each test.
        failed_once = set(re.findall(r"Test +#\d+: (\S+) \.*\*\*\*", log.read_text(errors="replace"))) if log.exists() else set()
        for case in xml.parse(results).getroot().iter("testcase"):
            name = f"{phase}: {case.get('name')}"
            if case.get("status") == "run":
                passed += 1
                if case.get("name") in failed_once:
                    again.append(f"{name} failed, and passed when played again: {log}")
            elif case.get("status") == "fail":
                failed += 1
                failures.append(name)
                errors += [f"{name}: {text[:200]}" for text in first_words(case.findtext("system-out") or "")]
            else:
                printed = case.findtext("system-out") or ""
                reasons = [text for text in printed.splitlines() if text.startswith("SKIPPED")]
                skips.append(f"{name}: {' '.join(reasons) or case.get('status')}")
        if verdict != "good" and not failed:
            failures.append(phase)
    elif verdict == "good":
        passed += 1
    elif verdict == "skipped":
        skips.append(phase)
    else:
        failures.append(phase)
        if log.exists():
            errors += [f"{phase}: {text}" for text in log.read_text(errors="replace").splitlines() if "error" in text or text.startswith("BAD")][:10]

for title, names in (("SKIPPED", skips), ("AGAIN", again), ("ERROR", errors), ("FAILED", failures)):
    for name in names:
        print(f"!! {title} {name}")
print(f"{passed} passed, {len(failures)} failed, {len(skips)} skipped")
sys.exit(bool(failures) or passed == 0)
