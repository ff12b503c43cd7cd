-- What was settled in windows of time, behind the totals in `stats` (counters.ts says where). Each counter of a window
-- is a pair in 48 bits: how often its place was taken, and the count in the lower 28. Counters have numbers from 0.
-- For each kind of window: its length, how many are kept, where the first one begins, the bytes of each, and how many
-- counters it has.
local MINUTES = { ms = 60000, kept = MINUTES_KEPT, at = MINUTES_AT, bytes = MINUTE_BYTES, counters = OUTCOMES }
local HOURS = { ms = 3600000, kept = HOURS_KEPT, at = HOURS_AT, bytes = WINDOW_BYTES, counters = COUNTERS }
-- Those of a job type, from where its counters begin.
local TENS = { ms = 600000, kept = TENS_KEPT, at = TENS_AT, bytes = WINDOW_BYTES, counters = COUNTERS }
local DAYS = { ms = 86400000, kept = DAYS_KEPT, at = DAYS_AT, bytes = WINDOW_BYTES, counters = COUNTERS }

-- The least pair of a window. Its first byte is not 0, as that of a counter which was never written is.
local function least_pair(window, number)
  return (262144 + math.floor(number / window.kept)) * (MOST_COUNTED + 1)
end

-- The position of a name is the score of ' name:NAME' in `due`: 2^55 + 8 * position. So whoever settles reads it with
-- the leases. The score of ' name:', which is no name, says how many names have a position. Names that come after those
-- share the last one.
local NAME = ' name:'
local NAMED = 36028797018963968

local function position_of(score)
  return score and (tonumber(score) - NAMED) / 8
end
