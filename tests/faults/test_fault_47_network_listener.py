"""Fault 47: a network listener. It hears this machine unless asked, pages of it alone, and messages of some size."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from koekao.animation.torch_engine import TorchEngine
from koekao.errors import ConfigError
from koekao.serve import ServeConfig
from serving import connected, served, small_model, speak

END = json.dumps({"end": True})


def test_loopback_unless_asked_and_then_a_token() -> None:
    assert ServeConfig().address.is_loopback
    with pytest.raises(ConfigError, match="without a token") as error:
        ServeConfig(host="0.0.0.0")
    assert "KOEKAO_TOKEN" in error.value.do
    assert ServeConfig(host="0.0.0.0", token="0123456789abcdef").host == "0.0.0.0"


def test_the_origin_is_checked_and_messages_are_capped() -> None:
    async def strange() -> int:
        with pytest.raises(InvalidStatus) as refused:
            await connected(server, origin="https://strange.net").__aenter__()
        return refused.value.response.status_code

    with served(TorchEngine(small_model()), most_message_bytes=8192) as server:
        assert asyncio.run(strange()) == 403
        assert asyncio.run(speak(server, [END], origin="http://localhost:8000")).code == 1000
        assert asyncio.run(speak(server, [bytes(8196)])).code == 1009
