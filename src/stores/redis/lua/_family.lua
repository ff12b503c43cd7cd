-- How jobs that wait for others are stored. A parent waits for its children. Their ids are its own, '/' and a number.
-- Until it is first claimed, the record of a parent begins with
--   3:NUMBER:WAITS FOR:TOTAL:DROPPED:CREATED:RUNS AT:
-- NUMBER is a hash of its id, in 50 bits. It waits until its children have ended (e), or until they have and none is
-- dead (c). Then come its flow control key, if it has one, as in _lanes.lua, and its record.
-- In `due` are, between the second entries of keys and the places of names, at 2^54 + 2^53 + 8 * NUMBER
--   ' child:ID' for each child that has not ended: its mark
--   ' open:ID:TOTAL:PLACE:TIME' while more children are to come: how many there are, and when the last of them came
-- and 4 above that ' died:ID' for each child that is dead.
-- The parent itself is in `due`, at the time at which a claim looks whether it still waits, if nothing releases it
-- before: after an hour, and then each time after as long as it has waited.
local FAMILIES = 27021597764222976
local DIED_ABOVE = 4
local CHILD = ' child:'
local DIED = ' died:'
local OPEN = ' open:'
local PARENT_HEAD = '^3:%d+:%l:%d+:%d+:%d+:%d+:'
local LOOK_MS = 3600000

local function family_score(number)
  return FAMILIES + 8 * number
end

local function parent_of(id)
  return string.match(id, '^(.*)/[^/]*$')
end

local function waits_for_others(record)
  return string.byte(record or '', 1) == 51
end

-- The number of a family from the score of one of its marks.
local function number_of(score)
  return math.floor((tonumber(score) - FAMILIES) / 8)
end

local function count_marks(score)
  return call('ZCOUNT', due, whole(score), whole(score))
end

-- The beginning of the record of a parent that waits, without its runs-at time, that time, and the head of its key.
local function head_of_parent(record)
  local head, runs_at, at = string.match(record, '^(3:%d+:%l:%d+:%d+:%d+:)(%d+):()')
  return head, runs_at, string.match(record, '^2:%d+:[^:]+:%d+:%d+:%d+:%d:', at) or ''
end

-- Whether a job has never been claimed.
local function is_unclaimed(score)
  return score and tonumber(score) % 1024 == 0 and tonumber(score) < UPPER
end
