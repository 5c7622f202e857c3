"""client_through_gateway.py URL: what the suite starts as "the client" of its scenarios of clients. Between its server at
URL and a real client it puts the gateway, which is the client that is judged.

From the suite: MCP_CONFORMANCE_SCENARIO and, for some, MCP_CONFORMANCE_CONTEXT. From the test: GUICHE_CLIENT_MODE, how the
real client opens (client_steps.py). Runs with the Python of the black-box tests; ends with an error when anything broke.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "blackbox"))

import harness  # noqa: E402

SDK = harness.ROOT / "build/clients/py_sdk2/bin/python"
SECONDS = 20 * harness.SLOW  # the suite kills us after 30 (suite.PATIENCE)


def steps(url):
    """The real client's part. It knows the gateway's URL only."""
    environment = {k: v for k, v in os.environ.items() if k.startswith(("MCP_CONFORMANCE_", "GUICHE_CLIENT_"))}
    environment |= {"PATH": os.defpath, "NO_PROXY": "*", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([SDK, HERE / "client_steps.py", url], env=environment, timeout=SECONDS, check=False)
    return done.returncode


def main(url):
    folder = harness.Folder()
    try:
        row = {"name": "only", "prefix": "", "url": url}
        gateway = harness.Gateway(folder, [row], auth={"mode": "none"}, hop_secret=None, workers=1)
        try:
            return steps(gateway.url)
        finally:
            print(gateway.text(), file=sys.stderr)
            gateway.stop()
    finally:
        folder.remove()


sys.exit(main(sys.argv[1]))
