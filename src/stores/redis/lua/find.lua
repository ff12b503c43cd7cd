-- Finds one job wherever it is.
-- @arg id text
-- @reply set due|completed|dead|missing, score number, record text, family text?  of a parent (_families.lua)
local score = call('ZSCORE', due, id)
local record = call('HGET', jobs, id)
if score then
  return { 'due', score, record, waits_for_children(tonumber(score)) and call('HGET', families, id) or '' }
end
if record then return { 'completed', 0, record, '' } end
local dead_since = call('ZSCORE', dead, id)
if dead_since then return { 'dead', dead_since, call('HGET', dead_jobs, id), '' } end
return { 'missing', 0, '', '' }
