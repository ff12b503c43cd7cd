-- Finds one job wherever it is.
-- ARGV: id
-- Returns: 'due' | 'done' | 'dead' | '' , score in that set ('0' for done), record
local id = ARGV[1]
local score = call('ZSCORE', due, id)
if score then return { 'due', score, call('HGET', jobs, id) } end
local finished = call('HGET', done, id)
if finished then return { 'done', '0', finished } end
local died = call('ZSCORE', dead, id)
if died then return { 'dead', died, call('HGET', dead_jobs, id) } end
return { '', '0', '' }
