"""Keys in the formats that vendors document, made up as they are needed: none stands in this file as such."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
BASE32 = string.ascii_uppercase + "234567"
URLSAFE = ALNUM + "_-"


def _jwt(chars: Callable[[str, int], str]) -> str:
    def part(content: dict[str, str]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': chars('0123456789', 12)})}.{chars(URLSAFE, 43)}"


def _pem(chars: Callable[[str, int], str]) -> str:
    lines = "\n".join(chars(ALNUM + "+/", 64) for _ in range(4))
    return f"-----BEGIN RSA PRI{'VATE'} KEY-----\n{lines}\n-----END RSA PRI{'VATE'} KEY-----"


def secrets(seed: int) -> dict[str, tuple[str, str]]:
    """By vendor: a text as it stands in a transcript, and the secret in it."""
    rng = random.Random(seed)

    def chars(alphabet: str, count: int) -> str:
        return "".join(rng.choice(alphabet) for _ in range(count))

    alone = {
        "anthropic": "sk-" + "ant-api03-" + chars(URLSAFE, 93) + "AA",
        "anthropic admin": "sk-" + "ant-admin01-" + chars(URLSAFE, 93) + "AA",
        "aws": "AK" + "IA" + chars(BASE32, 16),
        "databricks": "da" + "pi" + chars(HEX, 32),
        "digitalocean": "dop" + "_v1_" + chars(HEX, 64),
        "github": "gh" + "p_" + chars(ALNUM, 36),
        "github fine grained": "github" + "_pat_" + chars(ALNUM, 22) + "_" + chars(ALNUM, 59),
        "gitlab": "gl" + "pat-" + chars(URLSAFE, 20),
        "google": "AI" + "za" + chars(URLSAFE, 35),
        "groq": "gs" + "k_" + chars(ALNUM, 52),
        "hugging face": "h" + "f_" + chars(string.ascii_letters, 34),
        "jwt": _jwt(chars),
        "langfuse": "sk-" + "lf-" + "-".join(chars(HEX, n) for n in (8, 4, 4, 4, 12)),
        "langsmith": "lsv" + "2_pt_" + chars(HEX, 32) + "_" + chars(HEX, 10),
        "npm": "np" + "m_" + chars(ALNUM.lower(), 36),
        "openai": "sk-" + chars(ALNUM, 20) + "T3Blbk" + "FJ" + chars(ALNUM, 20),
        "openai project": "sk-" + "proj-" + chars(URLSAFE, 74) + "T3Blbk" + "FJ" + chars(URLSAFE, 74),
        "openrouter": "sk-" + "or-v1-" + chars(HEX, 64),
        "pem": _pem(chars),
        "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + chars(URLSAFE, 70),
        "replicate": "r" + "8_" + chars(ALNUM, 37),
        "sendgrid": "S" + "G." + chars(URLSAFE, 22) + "." + chars(URLSAFE, 43),
        "shopify": "shp" + "at_" + chars(HEX, 32),
        "slack": "xo"
        + "xb-"
        + chars("0123456789", 12)
        + "-"
        + chars("0123456789", 12)
        + "-"
        + chars(ALNUM, 24),
        "stripe": "sk" + "_live_" + chars(ALNUM, 24),
        "twilio": "S" + "K" + chars(HEX, 32),
        "xai": "xa" + "i-" + chars(ALNUM, 80),
    }
    found = {name: (f"The key is {key}. Keep it.", key) for name, key in alone.items()}
    in_context = {
        "aws secret": ('aws_secret_access_key = "{}"', chars(ALNUM + "+/", 40)),
        "azure openai": ("AZURE_OPENAI_API_KEY={}", chars(HEX, 32)),
        "bearer": ("httpx: 401, headers {{'Authorization': 'Bearer {}'}}", chars(URLSAFE, 40)),
        "database": ("postgresql://evals:{}@db.acme.test:5432/runs", chars(ALNUM, 16)),
        "presigned": ("https://logs.acme.test/a.eval?X-Amz-Signature={}", chars(HEX, 64)),
    }
    return found | {name: (text.format(key), key) for name, (text, key) in in_context.items()}
