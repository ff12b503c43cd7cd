-- What a request settles: its outcomes, in columns.
-- ids[3] and records[3] belong to the third outcome. Those of a kind stand together, in this order.
local KINDS = { 'completed', 'retried', 'returned', 'dead' }
local first, last = {}, {}
local ids, held_leases, scores, records = {}, {}, {}, {}
-- What the jobs are called in `due`.
local names = {}
-- Of the few jobs with keys: the beginnings of their records and, if no attempt was made, when they were claimed. And
-- of those that were born leased: the records they were born with.
local keyed, heads, unattempted, births = {}, {}, {}, {}

-- Which outcomes count, by their numbers, and which jobs have one: a request may settle a job twice.
local accepted, has_outcome = {}, {}

local function read_outcomes()
  local number = 0
  for _, kind in ipairs(KINDS) do
    first[kind] = number + 1
    number = number + tonumber(argument())
    last[kind] = number
  end
  ids, held_leases, scores, records = arguments(number), arguments(number), arguments(number), arguments(number)
  for i = 1, number do names[i] = ids[i] end
  for _ = 1, tonumber(argument()) do
    local i, head, claimed_at, birth = tonumber(argument()), argument(), argument(), argument()
    if head ~= '' then
      heads[i] = head
      push(keyed, i)
      unattempted[i] = tonumber(claimed_at)
    end
    if birth ~= '' then births[i], names[i] = birth, BORN .. ids[i] end
  end
  return number
end

local function read_follow_ups()
  local follow_ups = {}
  for n = 1, tonumber(argument()) do
    local place, id, score, record = tonumber(argument()), argument(), argument(), argument()
    follow_ups[n] = { place = place, id = id, score = score, record = record }
  end
  return follow_ups
end
