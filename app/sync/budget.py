"""The budgets of connections, counted in Redis by all processes together.

Owns where calls are counted. Redis may be away: then each process keeps to its own part of the
limits, by its own calls alone, and nothing waits for Redis (decision 0028).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.domain.budgets import AGAIN, AtOnceNow, Budget, Limits, Spent, Turn, spent_of, wait_for
from app.domain.ports import Clock, Ids
from app.telemetry import logger

AWAY_SECONDS = 2.0
REDIS_SECONDS = 0.5
LATELY = 300  # seconds
PREFIX = "demandlink:calls"

# What a system said is left of its longest window: later it knows better itself, and is asked.
SAID_SECONDS = 3600

# One sorted set a connection: a call and the moment of its answer. One under way stands in the
# future, where it is given up, so that a killed process frees its place. Redis's clock counts.
#
# What the system said last is left stands beside it, with when. It knows calls of others and of
# before Redis was emptied, so it corrects the count upwards, never downwards: calls made since come
# on top (decision 0049).
_SAID = f"""
local function said(key, limit, now)
    local told = redis.call('HMGET', key .. ':said', 'left', 'at')
    if not told[1] then return 0, 0 end
    local since = redis.call('ZCOUNT', key, '(' .. told[2], '+inf')
    return limit - told[1] + since, told[2] + {SAID_SECONDS} - now
end
"""
_TAKE = (
    _SAID
    + """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function at(moment) return string.format('%.6f', moment) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at(now - ARGV[4]))
local wait, at_once = 0, tonumber(ARGV[3])
if at_once > 0 and redis.call('ZCOUNT', KEYS[1], '(' .. at(now), '+inf') >= at_once then
    wait = tonumber(ARGV[5])
end
for i = 7, #ARGV, 2 do
    local calls, seconds = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    if redis.call('ZCOUNT', KEYS[1], '(' .. at(now - seconds), '+inf') >= calls then
        local rank = redis.call('ZCARD', KEYS[1]) - calls
        local first = redis.call('ZRANGE', KEYS[1], rank, rank, 'WITHSCORES')[2]
        wait = math.max(wait, math.min(tonumber(first), now) + seconds - now, tonumber(ARGV[5]))
    end
    if seconds == tonumber(ARGV[4]) then
        local used, ends = said(KEYS[1], ARGV[6], now)
        if used >= calls then wait = math.max(wait, ends, tonumber(ARGV[5])) end
    end
end
if wait > 0 then return at(wait) end
redis.call('ZADD', KEYS[1], at(now + ARGV[2]), ARGV[1])
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[4] + ARGV[2]) + 1)
return '0'
"""
)
_GIVE_BACK = """
local time = redis.call('TIME')
local now = string.format('%.6f', time[1] + time[2] / 1000000)
if ARGV[2] ~= '' then
    redis.call('HSET', KEYS[1] .. ':at_once', ARGV[2], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. time[1])
    redis.call('EXPIRE', KEYS[1] .. ':at_once', ARGV[5])
end
if ARGV[6] ~= '' then
    redis.call('HSET', KEYS[1] .. ':said', 'left', ARGV[6], 'at', now)
    redis.call('EXPIRE', KEYS[1] .. ':said', ARGV[7])
end
return redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1])
"""
# What each process that called lately sends at once; what an ended one said is forgotten.
_AT_ONCE = """
local now, found = redis.call('TIME')[1], {}
local told = redis.call('HGETALL', KEYS[1] .. ':at_once')
for i = 1, #told, 2 do
    local limit, most, at = string.match(told[i + 1], '(%d+) (%d+) (%d+)')
    if now - at > tonumber(ARGV[1]) then
        redis.call('HDEL', KEYS[1] .. ':at_once', told[i])
    else
        found[#found + 1] = {tonumber(limit), tonumber(most)}
    end
end
return found
"""
_SPENT = (
    _SAID
    + """
local time = redis.call('TIME')
local now, used = time[1] + time[2] / 1000000, {}
for i = 3, #ARGV do
    local count = redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.6f', now - ARGV[i]), '+inf')
    if ARGV[i] == ARGV[1] then count = math.max(count, (said(KEYS[1], ARGV[2], now))) end
    used[i - 2] = count
end
return used
"""
)


class Budgets:
    """The budgets of one installation; those of the same company are one."""

    def __init__(
        self, url: str, clock: Clock, ids: Ids, limits: Mapping[str, Limits], parts: int
    ) -> None:
        self._redis = Redis.from_url(
            url, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
        )
        self._clock, self._ids = clock, ids
        self._limits, self._parts = limits, parts
        self._away_until = float("-inf")
        self.process = ids.token()

    def of(self, system: str, company: str, *, timeout: float) -> Budget | None:
        """The budget of a company's connection; None: its calls are not counted. `timeout`:
        seconds after which one of its calls is given up."""
        limits = self._limits.get(system, Limits())
        if not limits.windows and not limits.at_once:
            return None
        # An address may be long and is nobody's business in Redis.
        named = hashlib.sha256(company.encode()).hexdigest()[:32]
        return SharedBudget(self, f"{PREFIX}:{system}:{named}", limits, timeout)

    async def run(self, script: str, key: str, *arguments: str | float) -> Any:
        """What the script answers; None while Redis is away."""
        if self._clock.monotonic() < self._away_until:
            return None
        task = asyncio.current_task()
        cancelled = task.cancelling() if task is not None else 0
        try:
            answer = await self._redis.eval(script, 1, key, *map(str, arguments))
        except (RedisError, OSError) as error:
            self._away_until = self._clock.monotonic() + AWAY_SECONDS
            logger(__name__).info("budgets_counted_apart", error=type(error).__name__)
            answer = None
        if task is not None and task.cancelling() > cancelled:
            # redis-py sends by asyncio.wait_for, which may hide a cancellation before Python 3.12
            # (cpython #86296): who was told to stop would make the call all the same.
            raise asyncio.CancelledError
        return answer

    async def close(self) -> None:
        await self._redis.aclose()

    @property
    def parts(self) -> int:
        return self._parts

    def now(self) -> float:
        return self._clock.monotonic()

    def token(self) -> str:
        return self._ids.token()


class SharedBudget:
    """Implements domain.budgets.Budget. Its own calls are noted as well, for when Redis goes."""

    def __init__(self, budgets: Budgets, key: str, limits: Limits, timeout: float) -> None:
        self._budgets, self._key, self._limits = budgets, key, limits
        self._timeout = timeout
        self._own: dict[str, float] = {}

    @property
    def patience(self) -> float:
        # It counts within the call's timeout, of which enough has to be left for the call.
        return min(2.0, self._timeout / 4)

    async def take(self, part: float = 1.0) -> Turn:
        token, limits = self._budgets.token(), self._limits.part(part)
        pairs = [part for one in limits.windows for part in (one.calls, one.seconds)]
        fixed = (
            token, self._timeout, limits.at_once, limits.longest, AGAIN, self._limits.most
        )  # fmt: skip
        told = await self._budgets.run(_TAKE, self._key, *fixed, *pairs)
        now = self._budgets.now()
        self._own = {one: at for one, at in self._own.items() if at > now - limits.longest}
        if told is None:
            # Redis is asked again by then, and may allow what a part does not: a pause that its
            # absence began must not outlast it.
            share = limits.share(self._budgets.parts)
            wait = min(wait_for(share, self._own.values(), now), AWAY_SECONDS)
        else:
            wait = float(told)
        if wait > 0:
            return Turn(None, wait)
        self._own[token] = now + self._timeout
        return Turn(token)

    async def give_back(
        self, token: str, at_once: AtOnceNow | None = None, left: int | None = None
    ) -> None:
        self._own[token] = self._budgets.now()
        process: tuple[str | int, ...] = ("", "", "")
        if at_once is not None:
            process = (self._budgets.process, at_once.limit, at_once.most)
        said = ("" if left is None else left, SAID_SECONDS)
        await self._budgets.run(_GIVE_BACK, self._key, token, *process, LATELY, *said)

    async def spent(self) -> tuple[Spent, ...]:
        windows, limits = self._limits.windows, self._limits
        longest = (limits.longest, limits.most)
        used = await self._budgets.run(
            _SPENT, self._key, *longest, *(one.seconds for one in windows)
        )
        if used is None:
            share = limits.share(self._budgets.parts)
            return spent_of(share, self._own.values(), self._budgets.now())
        return tuple(
            Spent(one.seconds, int(count), one.calls)
            for one, count in zip(windows, used, strict=True)
        )

    async def at_once(self) -> AtOnceNow | None:
        found = await self._budgets.run(_AT_ONCE, self._key, LATELY)
        return min(
            (AtOnceNow(*one) for one in found or ()), key=lambda one: one.limit, default=None
        )
