"""getResolvedOptions as AWS documents it ("Accessing parameters using
getResolvedOptions" in the Glue developer guide)."""

import argparse

_BOOKMARKS = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")
_CONTINUATIONS = ("continuation-enabled", "continuation-readonly", "continuation-ignore")
_BOOKMARK_RANGE = ("job-bookmark-from", "job-bookmark-to")
_IDS = ("JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION")
_RESERVED = ("continuation-option", "job-bookmark-option") + _BOOKMARK_RANGE + _IDS + ("encryption-type",)


class GlueArgumentError(Exception):
    pass


class GlueArgumentParser(argparse.ArgumentParser):
    def error(self, message):
        raise GlueArgumentError(message)


def _parser(options):
    parser = GlueArgumentParser()
    parser.add_argument("--job-bookmark-option", choices=_BOOKMARKS)
    parser.add_argument("--continuation-option", choices=_CONTINUATIONS)
    for name in _BOOKMARK_RANGE + _IDS + ("RedshiftTempDir", "TempDir"):
        parser.add_argument("--" + name)
    parser.add_argument("--encryption-type", choices=("sse-s3",))
    for name in options:
        if name not in ("RedshiftTempDir", "TempDir"):
            parser.add_argument("--" + name, required=True)
    return parser


def _resolve_bookmark(values):
    old = values.pop("continuation_option", None)
    if values["job_bookmark_option"] is None:
        # The continuation options are the bookmark options' older names, in the same order.
        values["job_bookmark_option"] = _BOOKMARKS[_CONTINUATIONS.index(old)] if old else _BOOKMARKS[2]
    absent = [name for name in _BOOKMARK_RANGE if values[name.replace("-", "_")] is None]
    if values["job_bookmark_option"] == "job-bookmark-pause":
        if len(absent) == 1:
            raise RuntimeError("Missing option or value for --" + absent[0])
    elif not absent:
        raise RuntimeError("Invalid option(s) " + " ".join("--" + name for name in _BOOKMARK_RANGE))


def getResolvedOptions(args, options):
    """Returns a dict of the named options (without "--") out of args, which is
    sys.argv. All are required; further arguments are passed over."""
    for name in options:
        if name in _RESERVED:
            raise RuntimeError("Using reserved arguments --" + name)
    parsed, _ = _parser(options).parse_known_args(args[1:])
    values = vars(parsed)
    if values["TempDir"] is not None:
        values["RedshiftTempDir"] = values["TempDir"]
    elif values["RedshiftTempDir"] is not None:
        values["TempDir"] = values["RedshiftTempDir"]
    _resolve_bookmark(values)
    return values


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        "awsglue.utils.%s is not available in a Python shell job: only getResolvedOptions is" % name,
        name="awsglue.utils." + name,
    )
