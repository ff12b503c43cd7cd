-- Reads what an exchange settles. Outcomes come in columns: ids[3] and records[3] belong to the third outcome.
--
-- ARGV: how many outcomes are 'completed', 'retried', 'returned', 'dead' and 'expired', then of all of them, in this
--   order: the ids, the scores of their leases, their new scores (of a dead job when it became dead, and the score of
--   its group after a space), and the records (equal scores in a row come once, after their number);
--   number of outcomes of jobs with keys, then for each: which outcome, '2:ORDER:KEY:...:' of its flow control key,
--     when its job was claimed if no attempt was made (''), for how many ms it ran if one was ('');
--   number of jobs that outcomes make, then for each: which outcome, id, score, record,
--     KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its flow control key ('' for none), and = if the limits of the key stay,
--     what it waits for if it has children (_families.lua; '' if not)
local KINDS = { 'completed', 'retried', 'returned', 'dead', 'expired' }
-- The outcomes of a kind go from first[kind] to last[kind].
local first = {}
local last = {}
local ids = {}
local held_leases = {}
local scores = {}
local records = {}
-- The outcomes of jobs with keys, the beginnings of these jobs' records, and for how many ms they ran, or if no attempt
-- was made, when they were claimed.
local keyed = {}
local heads = {}
local took = {}
local unattempted = {}
-- Which outcomes count, and which jobs have one: a request may settle a job twice.
local accepted = {}
local has_outcome = {}
-- How many of them drop their job.
local expired = 0

-- Reads values of which equal ones in a row come once, after their number: jobs are claimed together, and end together.
local function runs(count)
  local values = {}
  local last = 0
  while last < count do
    local times = number_argument()
    local value = argument()
    for i = last + 1, last + times do values[i] = value end
    last = last + times
  end
  return values
end

local function read_outcomes()
  local count = 0
  for _, kind in ipairs(KINDS) do
    first[kind] = count + 1
    count = count + number_argument()
    last[kind] = count
  end
  ids = arguments(count)
  held_leases = runs(count)
  scores = runs(count)
  records = arguments(count)
  for _ = 1, number_argument() do
    local i = number_argument()
    push(keyed, i)
    heads[i] = argument()
    unattempted[i] = number_argument()
    took[i] = number_argument()
  end
  return count
end

local function read_follow_ups()
  local follow_ups = {}
  for n = 1, number_argument() do
    follow_ups[n] = { outcome = number_argument(), id = argument(), score = argument(), record = argument(),
      flow = argument(), family = argument() }
  end
  return follow_ups
end
