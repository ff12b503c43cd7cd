-- What was settled in windows of time, behind the totals in `stats` (counters.ts says where). Each counter of a window
-- is a pair in 48 bits: which window it is, and the count in the lower bits. Counters have numbers from 0.
-- For each kind of window: its length, how many are kept, how many values a count has, where the first one begins, the
-- bytes of each, and how many counters it has.
local MINUTES = { ms = 60000, kept = MINUTES_KEPT, values = 4194304, at = MINUTES_AT, bytes = MINUTE_BYTES, counters = OUTCOMES }
local HOURS = { ms = 3600000, kept = HOURS_KEPT, values = 268435456, at = HOURS_AT, bytes = WINDOW_BYTES, counters = COUNTERS }
-- Those of a job type, from where its counters begin.
local TENS = { ms = 600000, kept = TENS_KEPT, values = 67108864, at = TENS_AT, bytes = WINDOW_BYTES, counters = COUNTERS }
local DAYS = { ms = 86400000, kept = DAYS_KEPT, values = 4294967296, at = DAYS_AT, bytes = WINDOW_BYTES, counters = COUNTERS }

-- The position of a name is the score of ' name:NAME' in `due`: 2^55 + 8 * position. So whoever settles reads it with
-- the leases. The score of ' name:', which is no name, says how many names have a position. Names that come after those
-- share the last one.
local NAME = ' name:'
local NAMED = 36028797018963968

local function position_of(score)
  return score and (tonumber(score) - NAMED) / 8
end
