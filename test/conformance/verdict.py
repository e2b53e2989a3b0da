#!/usr/bin/env python3
"""Judges a conformance run by its list of expected failures: verdict.py TITLE LIST RESULTS

RESULTS is what a runner wrote with --json (the one of Step Functions or the one of Redshift). LIST has a line
"ID: reason" for each case that is known to fail; lines that begin with # are comments. IDs of Step Functions cases
are given without the file ("TestClass::test"). Prints passed / total by area. Exit status 1 when a case fails that is
not listed, when a listed one passes, or when a listed one was not run.
"""
import collections
import json
import sys


def expected_failures(path):
    reasons = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip() or line.startswith("#"):
                continue
            case, mark, reason = line.strip().partition(": ")
            if not mark or not reason:
                sys.exit(f"{path}: no reason: {line.strip()}")
            if case in reasons:
                sys.exit(f"{path}: twice: {case}")
            reasons[case] = reason
    return reasons


def outcomes(results):
    """(id, area, what is wrong or "") of each case that was run and scored."""
    if "cases" in results and "results" not in results:
        for case in results["cases"]:
            yield case["id"], case["area"], redshift_fault(case)
        return
    for case in results["results"]:
        if case["result"] != "skipped":
            wrong = "" if case["result"] == "pass" else case["result"] + ": " + "; ".join(case["differences"][:2])
            yield case["id"].split("::", 1)[-1], case["area"], wrong


def redshift_fault(case):
    if "parsed" not in case:
        return case["status"]
    said = f"{case.get('sqlstate', '')} {case.get('message', '')}".strip()
    if not case["parsed"]:
        return "not parsed: " + said
    if case["must_fail"] and case["status"] == "ok":
        return "succeeds, though the page shows an error"
    if case["scored"] and case["status"] == "error":
        return said
    if case["scored"] and not case["identical"]:
        return f"other rows: {case['rows']}"
    return ""


def main(title, list_path, results_path):
    reasons = expected_failures(list_path)
    with open(results_path, encoding="utf-8") as f:
        results = json.load(f)
    passed, total, problems = collections.Counter(), collections.Counter(), []
    for case, area, wrong in outcomes(results):
        total[area] += 1
        passed[area] += not wrong
        reason = reasons.pop(case, None)
        if wrong and reason is None:
            problems.append(f"fails: {case}\n    {wrong[:400]}")
        elif not wrong and reason is not None:
            problems.append(f"passes, but is listed as failing: {case}: {reason}")
    problems += [f"is listed as failing, but was not run: {case}" for case in reasons]
    print(title)
    for area in sorted(total):
        print(f"  {area:<26} {passed[area]:>5} / {total[area]}")
    all_passed, all_total = sum(passed.values()), sum(total.values())
    print(f"  {'all':<26} {all_passed:>5} / {all_total}  {100 * all_passed / max(all_total, 1):.1f} %")
    for problem in problems:
        print(problem)
    return 1 if problems or not total else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
