"""Pack python/redshift_module as a wheel, which is a zip file with a record of what is in it."""
import argparse
import base64
import hashlib
import pathlib
import zipfile

SOURCE = pathlib.Path(__file__).parent.parent / "python"
INFO = "redshift_module-0.1.dist-info"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    files = {p.relative_to(SOURCE).as_posix(): p.read_bytes() for p in sorted((SOURCE / "redshift_module").glob("*.py"))}
    files[f"{INFO}/METADATA"] = b"Metadata-Version: 2.1\nName: redshift-module\nVersion: 0.1\nRequires-Dist: redshift-connector\n"
    files[f"{INFO}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: wheel.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    files[f"{INFO}/RECORD"] = (record + f"{INFO}/RECORD,,\n").encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w") as wheel:
        for name, data in files.items():
            wheel.writestr(zipfile.ZipInfo(name), data)


if __name__ == "__main__":
    main()
