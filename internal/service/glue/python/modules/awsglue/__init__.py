"""The part of AWS Glue's module that Python shell jobs have: awsglue.utils with
getResolvedOptions. Everything else needs Spark and is refused by name."""

import importlib.abc as _abc
import sys as _sys


def _missing(name):
    return ImportError(
        "%s is not available in a Python shell job: only awsglue.utils.getResolvedOptions is" % name, name=name
    )


class _Refuser(_abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith("awsglue.") and name != "awsglue.utils":
            raise _missing(name)
        return None


_sys.meta_path.insert(0, _Refuser())


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise _missing("awsglue." + name)
