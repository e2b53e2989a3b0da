def handler(event, context):
    return "\u00f6" * 140_000  # 280,000 bytes of UTF-8: over the 256 KiB of a state's result
