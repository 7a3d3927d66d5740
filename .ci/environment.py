"""Makes the project's virtual environment and installs heatloop into it: what `make` runs before anything else.

    python3 .ci/environment.py .venv            heatloop
    python3 .ci/environment.py .venv test lint  heatloop with these extras

Needs nothing but Python's standard library, and starts on any Python from 3.6 on to look for a newer one. Where
python3 comes without ensurepip (Debian, Ubuntu), pip is taken from the system, or from the package index.
"""

import hashlib
import html.parser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

OLDEST = (3, 11)
NAMES = ["python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"]
ROOT = Path(__file__).resolve().parent.parent


def version(python):
    """(major, minor) of an interpreter, or None if it does not start."""
    asked = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([python, "-c", asked], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return tuple(int(part) for part in answer.stdout.split()) if answer.returncode == 0 else None


def newer_python():
    """A Python on the PATH that is new enough; ends the program with what to install if there is none."""
    for name in NAMES:
        python = shutil.which(name)
        found = version(python) if python else None
        if found and found >= OLDEST:
            return python
    sys.exit(
        f"heatloop needs Python {dotted(OLDEST)} or newer; this is {dotted(sys.version_info[:2])}, and no newer one is "
        "on the PATH. Install one (on Debian or Ubuntu, where your release has it: sudo apt install python3.11 "
        "python3.11-venv), or name it: make PYTHON=/path/to/python3.12"
    )


def dotted(release):
    """(3, 11) as 3.11."""
    return ".".join(str(part) for part in release)


def venv_python(folder):
    """The interpreter of the environment in ``folder``."""
    return str(folder / "bin" / "python")


def has_pip(python):
    """Whether pip runs under this interpreter."""
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def make_venv(folder):
    """An environment with pip in ``folder``; a broken one there (moved, or of a removed Python) is made anew."""
    python = venv_python(folder)
    if Path(python).exists() and version(python) and has_pip(python):
        return
    shutil.rmtree(folder, ignore_errors=True)
    print(f"== making {folder.name} with Python {dotted(sys.version_info[:2])}", flush=True)
    if importlib.util.find_spec("ensurepip"):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        return
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    if not pip_from_system(python) and not pip_from_index(python):
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(
            "This Python has no ensurepip, so it cannot make an environment with pip; there is no pip beside it, and "
            "the package index could not be reached to fetch it. On Debian or Ubuntu: sudo apt install python3-venv, "
            "then run make again."
        )


def pip_from_system(python):
    """Install pip into the environment by the system's own pip (22.3 or newer: ``--python``)."""
    command = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "pip"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Links(html.parser.HTMLParser):
    """The addresses on a page of the package index."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        """Keep what an anchor points to."""
        if tag == "a":
            self.addresses += [value for name, value in attrs if name == "href" and value]


def pip_from_index(python):
    """Fetch pip's wheel from the package index, check its digest, and let it install itself."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    try:
        request = urllib.request.Request(index, headers={"Accept": "text/html"})
        with urllib.request.urlopen(request, timeout=60) as page:
            links = Links()
            links.feed(page.read().decode())
        wheels = []
        for address in links.addresses:
            match = re.search(r"/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl#sha256=([0-9a-f]{64})", "/" + address)
            if match:
                wheels.append(([int(part) for part in match.group(1).split(".")], match.group(2), address))
        if not wheels:
            return False
        _, digest, address = max(wheels)
        with urllib.request.urlopen(urllib.parse.urljoin(index, address), timeout=120) as response:
            wheel = response.read()
    except OSError as error:
        print(f"no pip from {index}: {error}", file=sys.stderr)
        return False
    if hashlib.sha256(wheel).hexdigest() != digest:
        sys.exit(f"pip's wheel from {index} does not have the digest the index states for it; nothing was installed.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(urllib.parse.urlparse(address).path).name
        path.write_bytes(wheel)
        command = [python, str(path / "pip"), "install", "-q", "--no-index", str(path)]
        return subprocess.run(command, check=False).returncode == 0


def install(folder, extras):
    """Install heatloop from this tree (editable) with ``extras``, showing what arrives; end the program if it fails."""
    with_extras = f"[{','.join(extras)}]" if extras else ""
    print(f"== installing heatloop{with_extras}: a minute or two the first time", flush=True)
    start, lines, packages = time.monotonic(), [], 0
    command = [venv_python(folder), "-m", "pip", "install", "--progress-bar", "off", "-e", f"{ROOT}{with_extras}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True) as pip:
        for line in pip.stdout:
            lines.append(line)
            packages += line.startswith("Collecting ")
            if line.startswith(("Collecting ", "Installing collected ")):
                show(packages, "unpacking" if line[0] == "I" else line.split()[1])
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    if pip.returncode:
        sys.exit("".join(lines[-25:]) + "\npip could not install heatloop; its last words stand above.")
    print(f"== installed in {time.monotonic() - start:.0f} s", flush=True)


def show(packages, what):
    """One changing line on a terminal; every tenth package elsewhere."""
    if sys.stdout.isatty():
        print(f"\r\033[K   {packages:3d}  {what}", end="", flush=True)
    elif packages % 10 == 0 or what == "unpacking":
        print(f"   {packages:3d}  {what}", flush=True)


def main():
    """Make the environment named by the first argument, with the extras named by the others."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.version_info[:2] < OLDEST:
        python = newer_python()
        os.execv(python, [python, *sys.argv])
    folder, extras = Path(sys.argv[1]).resolve(), sys.argv[2:]
    make_venv(folder)
    if not any(shutil.which(name) for name in ("gcc", "clang", "cc")):
        extras = [*extras, "compiler"]  # plants also run interpreted, three times as slow
    install(folder, extras)


if __name__ == "__main__":
    main()
