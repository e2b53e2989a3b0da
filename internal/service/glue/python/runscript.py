"""Runs the script of a Python shell job: runscript.py OUTCOME SCRIPT ARGUMENT...

The script sees itself as __main__ with its own sys.argv and sys.path[0]. When
it ends with an exception, the traceback goes to stderr without the frames of
this file, and the exception's last line to the file OUTCOME, for the job run's
ErrorMessage.
"""

import os
import runpy
import sys
import traceback


def _is_ours(frame):
    name = frame.f_code.co_filename
    return name == __file__ or name == "<frozen runpy>" or os.path.basename(name) == "runpy.py"


def main():
    outcome, script = sys.argv[1], sys.argv[2]

    def report(kind, value, trace):
        while trace is not None and _is_ours(trace.tb_frame):
            trace = trace.tb_next
        traceback.print_exception(kind, value, trace)
        text = str(value)
        with open(outcome, "w", encoding="utf-8", errors="replace") as f:
            f.write(kind.__name__ + (": " + text if text else ""))

    sys.excepthook = report
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(script)
    runpy.run_path(script, run_name="__main__")


main()
