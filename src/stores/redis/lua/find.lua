-- Finds one job wherever it is.
-- @arg id text
-- @reply set due|done|dead|missing, score number, record text, family text?  what a parent waits for (_families.lua)
local name = BORN .. id
local scores = call('ZMSCORE', due, id, name)
if scores[1] then
  local record = call('HGET', jobs, id)
  return { 'due', scores[1], record, tonumber(scores[1]) == FOR_CHILDREN and call('HGET', families, id) or '' }
end
if scores[2] then return { 'due', scores[2], read_born({ name }, { scores[2] })[name], '' } end
local completed = call('HGET', done, id)
if completed then return { 'done', 0, completed, '' } end
local dead_since = call('ZSCORE', dead, id)
if dead_since then return { 'dead', dead_since, call('HGET', dead_jobs, id), '' } end
return { 'missing', 0, '', '' }
