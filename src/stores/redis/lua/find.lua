-- Finds one job wherever it is.
-- ARGV: id
-- Returns: 'due' | 'done' | 'dead' | '' , score in that set ('0' for done), record; of a parent that waits also how
--   many of its children are stored ('' for all), have not ended, and are dead
-- include: _family.lua

local function find_parent(score, record)
  local of_family = family_score(tonumber(string.match(record, '^3:(%d+)')))
  local pending = count_marks(of_family)
  local died = count_marks(of_family + DIED_ABOVE)
  local kin = whole(of_family)
  local last = call('ZRANGE', due, kin, kin, 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
  local stored = string.match(last or '', '^ open:.*:(%d+):%d+$')
  return { 'due', score, record, stored or '', stored and pending - 1 or pending, died }
end

local id = argument()
local name = BORN .. id
local scores = call('ZMSCORE', due, id, name)
if scores[1] then
  local record = call('HGET', jobs, id)
  if waits_for_others(record) then return find_parent(scores[1], record) end
  return { 'due', scores[1], record }
end
if scores[2] then return { 'due', scores[2], read_born({ name }, { scores[2] })[name] } end
local completed = call('HGET', done, id)
if completed then return { 'done', '0', completed } end
local dead_since = call('ZSCORE', dead, id)
if dead_since then return { 'dead', dead_since, call('HGET', dead_jobs, id) } end
return { '', '0', '' }
