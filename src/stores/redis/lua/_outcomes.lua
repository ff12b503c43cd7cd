-- What an exchange settles. Outcomes come in columns, in the order of KINDS: ids[3] and records[3] belong to the third
-- one. The new score of a dead job is when it became dead, and after a space the score of its group.
-- Jobs with keys are `keyed`: they have run for some ms, or were claimed at some time, and no attempt was made.
local KINDS = { 'completed', 'retried', 'returned', 'dead', 'expired' }
local ids, held_leases, scores, records = outcomes.id, outcomes.lease, outcomes.score, outcomes.record
-- The outcomes of a kind go from first[kind] to last[kind].
local first = {}
local last = {}
-- What the records of jobs with keys begin with (_lanes.lua).
local prefixes = {}
local attempts = {}
-- Which outcomes count, and which jobs have one: a request may settle a job twice.
local accepted = {}
local has_outcome = {}
-- How many of them drop their job.
local expired = 0

local at = 1
for _, kind in ipairs(KINDS) do
  first[kind] = at
  while outcomes.kind[at] == kind do at = at + 1 end
  last[kind] = at - 1
end
for _, attempt in ipairs(keyed) do
  prefixes[attempt.outcome] = attempt.prefix
  attempts[attempt.outcome] = attempt
end
