"""One proxy, its providers and a client of each SDK (some 0.1 s each) for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from support.sdks import World, world


@pytest.fixture(scope="package")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        with world(tmp_path_factory.mktemp("sdks")) as started:
            yield started


@pytest.fixture(scope="package")
def claude(here: World) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=here.token, base_url=here.proxy.url, max_retries=0) as client:
        yield client


@pytest.fixture(scope="package")
def gpt(here: World) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=here.token, base_url=f"{here.proxy.url}/v1", max_retries=0) as client:
        yield client
