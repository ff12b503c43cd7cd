-- What was settled in windows of time, behind the minutes in `stats`. A window has 33 figures of 48 bits: processed,
-- retried, dead, and the counts of the two histograms. Each is a pair, as those of the minutes are: which window it is,
-- and the count in the lower bits.
local FIGURES, FIGURE_BYTES, WINDOW_BYTES = 33, 6, 198
local FIGURE_OF, FIRST_WAITING, FIRST_RUNNING = { completed = 1, retried = 2, dead = 3 }, 4, 19
-- Of each kind: how long a window is, how many are kept, how many values a count has, and where the first window
-- stands.
local HOURS = { ms = 3600000, kept = 336, values = 268435456, at = 2880 }
-- Then the names of jobs, each at its place: a hash of the name, in 32 bits, to identify it by; three totals; and
-- windows of its own.
local NAMES_AT, TOTALS_AT, NAME_BYTES = 69408, 6, 2994
local TENS = { ms = 600000, kept = 7, values = 67108864, at = 24 }
local DAYS = { ms = 86400000, kept = 8, values = 4294967296, at = 1410 }

-- Which place a name has is the score of ' name:NAME' in `due`: 2^55 + 8 * place. So whoever settles reads it together
-- with the leases. Of ' name:', which is no name, it says how many have a place. Names that come after those share the
-- last one.
local NAME, NAMED, MOST_NAMES = ' name:', 36028797018963968, 100

local function place_of(score)
  return score and (tonumber(score) - NAMED) / 8
end

local function byte_of(place)
  return NAMES_AT + place * NAME_BYTES
end
