"""What the stack needs and does not find, in words for who starts it."""

from __future__ import annotations

import httpx
import redis

WITHIN_SECONDS = 3


def absent_redis(url: str) -> str | None:
    """Why no Redis can be used at this address, and what to do; None where one answers. The service
    would go on without it; here somebody meant it to be there."""
    own = "where that is empty one of its own is started"
    asked = redis.Redis.from_url(
        url, socket_connect_timeout=WITHIN_SECONDS, socket_timeout=WITHIN_SECONDS
    )
    try:
        asked.ping()
    except redis.AuthenticationError as error:
        return f"Redis refuses the password of REDIS_URL: {_said(error)}. Correct it; {own}."
    except (redis.RedisError, OSError) as error:
        return f"Redis cannot be reached: {_said(error)}. Start it, or correct REDIS_URL; {own}."
    finally:
        asked.close()
    return None


def _said(error: Exception) -> str:
    return str(error).rstrip(".")


def missing_of(answer: httpx.Response) -> str:
    """What the API's readiness says is not there."""
    try:
        checks = answer.json()["checks"].items()
        return "; ".join(f"{name}: {one['detail']}" for name, one in checks if not one["ok"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:500].strip()
