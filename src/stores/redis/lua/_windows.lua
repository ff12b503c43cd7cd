-- What was settled in windows of time, behind the minutes in `stats`. A window has 33 counters of 48 bits: processed,
-- retried, dead, and the counts of the two histograms. Each is a pair, as those of the minutes are: which window it is,
-- and the count in the lower bits.
local COUNTERS = 33
local COUNTER_BYTES = 6
local WINDOW_BYTES = 198
local COUNTER_OF = { completed = 1, retried = 2, dead = 3 }
local FIRST_WAITING = 4
local FIRST_RUNNING = 19
-- For each kind of window: its length, how many are kept, how many values a count has, and where the first one begins.
local HOURS = { ms = 3600000, kept = 336, values = 268435456, at = 1856 }
-- Then the names of jobs, each at its position: three totals, and windows of its own.
local NAMES_AT = 68384
local NAME_BYTES = 2988
local TENS = { ms = 600000, kept = 7, values = 67108864, at = 18 }
local DAYS = { ms = 86400000, kept = 8, values = 4294967296, at = 1404 }

-- The position of a name is the score of ' name:NAME' in `due`: 2^55 + 8 * position. So whoever settles reads it with
-- the leases. The score of ' name:', which is no name, says how many names have a position. Names that come after those
-- share the last one.
local NAME = ' name:'
local NAMED = 36028797018963968
local MOST_NAMES = 100

local function position_of(score)
  return score and (tonumber(score) - NAMED) / 8
end

local function byte_of(position)
  return NAMES_AT + position * NAME_BYTES
end
