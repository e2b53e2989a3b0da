"""Raises an exception of its own; the recorded trace names line 9."""


class CustomException(Exception):
    pass


def handler(event, context):
    raise CustomException()
