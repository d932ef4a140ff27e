"""A second implementation, in JavaScript, and this one agree: on the vectors and on random envelopes."""

import hashlib
import json
import os
import shutil
import subprocess
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cbmnet.messages.hybrid import is_available
from tests.vectors.load import judge, plain, schemas_of, steps_of, verifier_of
from tests.vectors.make_wire_v1 import FILE

from . import randoms

HERE = Path(__file__).parent
COUNT = 1000
SEED = 20261124
# With CBMNET_NODE_REQUIRED set, a machine on which this cannot run fails instead of skipping.
REQUIRED = "CBMNET_NODE_REQUIRED"
pytestmark = pytest.mark.filterwarnings("always:the second implementation")


def _give_up(reason: str) -> NoReturn:
    text = f"the second implementation was not asked: {reason}"
    if os.environ.get(REQUIRED):
        pytest.fail(text)
    warnings.warn(text, stacklevel=1)
    pytest.skip(text)


def _install(cache: Path) -> Path:
    """The folder of the packages, installed once for these exact versions."""
    if (HERE / "node_modules" / ".package-lock.json").is_file():
        return HERE / "node_modules"  # put there with the rest of what the project needs
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    ready = cache / f"interop-{wanted}" / "node_modules"
    if ready.is_dir():
        return ready
    fresh = cache / f"interop-{wanted}.{os.getpid()}"
    fresh.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, fresh)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        shutil.rmtree(fresh)
        _give_up(f"npm ci failed: {done.stderr.strip()[-300:]}")
    try:
        fresh.rename(ready.parent)
    except OSError:  # another worker was quicker
        shutil.rmtree(fresh)
    return ready


@pytest.fixture(scope="module")
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs `verify.mjs` with these arguments, and gives its lines."""
    if not shutil.which("node") or not shutil.which("npm"):
        _give_up("node and npm are not both here")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(int(part) for part in version[1:].split(".")[:2]) < (20, 19):
        _give_up(f"node {version} is older than 20.19")
    cache = getattr(request.config, "cache", None)
    modules = _install(cache.mkdir("node") if cache else tmp_path_factory.mktemp("node-cache"))
    folder = tmp_path_factory.mktemp("node")
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder)
    (folder / "node_modules").symlink_to(modules, target_is_directory=True)

    def run(*arguments: str, stdin: str = "") -> list[dict[str, Any]]:
        command = ["node", str(folder / "verify.mjs"), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def _code(result: dict[str, Any]) -> str:
    return str(result.get("code", "Accepted"))


def test_node_gives_what_every_vector_expects(node: Any) -> None:
    """Each step of each case, with its id, signers and gap or its code."""
    cases = json.loads(FILE.read_text())["cases"]
    for case, answer in zip(cases, node("vectors", str(FILE)), strict=True):
        assert answer["name"] == case["name"]
        expected = [plain(step["expected"]) for step in steps_of(case)]
        assert [plain(result) for result in answer["results"]] == expected, case["name"]


def test_what_python_seals_node_judges_alike(node: Any) -> None:
    """A thousand random envelopes, many of them spoilt: the same results, and no code left out by chance."""
    lines = list(randoms.lines(SEED, COUNT))
    answers = iter(node("batch", stdin="".join(json.dumps(line) + "\n" for line in lines)))
    seen: Counter[str] = Counter()
    for line in lines:
        if "setup" in line:
            verifier = verifier_of(line["setup"], schemas_of(line["schemas"]))
            continue
        result = judge(verifier, line["wire"], line["now_ms"])
        assert plain(next(answers)) == result, line["wire"]
        seen[_code(result)] += 1
    assert next(answers, None) is None
    _check_spread(seen)


def test_what_node_seals_python_judges_alike(node: Any) -> None:
    """A thousand more that Node wrote, signed and spoilt, hybrid signatures among them."""
    if not is_available():
        _give_up("the installed cryptography has no ML-DSA-65 for the hybrid signatures")
    seen: Counter[str] = Counter()
    for line in node("seal", str(SEED), str(COUNT)):
        if "setup" in line:
            verifier = verifier_of(line["setup"], schemas_of(line["schemas"]))
            continue
        expected = plain(line["expected"])
        assert judge(verifier, line["wire"], line["now_ms"]) == expected, line["wire"]
        seen[_code(expected)] += 1
    _check_spread(seen)


def _check_spread(seen: Counter[str]) -> None:
    assert sum(seen.values()) == COUNT
    assert seen["Accepted"] >= COUNT // 5
    assert len(seen) >= 20, seen
