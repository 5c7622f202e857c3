"""Fixtures of the contract tests: a validating mock per module, and what starts the connector under test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "blackbox"))

import harness  # noqa: E402  (of the black-box tests)
from prism import Prism  # noqa: E402


@pytest.fixture(scope="module")
def folder():
    folder = harness.Folder()
    yield folder
    folder.remove()


@pytest.fixture(scope="module")
def prism(folder):
    """prism("FILE in specs/") starts the mock; see prism.py."""
    mock = Prism(folder / "prism.log")
    yield mock
    mock.stop()


@pytest.fixture(scope="module")
def start(folder):
    """start(Class, ...) starts a process of the harness with this module's folder first, and stops it at the end."""
    yield from harness.starting(folder)
