-- Removes waiting jobs, or running ones too.
-- @arg now number, may_run flag, all list(text)
-- @reply list(cancelled|running|missing)
-- include: _statistics.lua
-- include: _families.lua
-- include: _waiting.lua
-- include: _live_jobs.lua
-- include: _remove_jobs.lua
local found, refused = find_jobs(all, may_run)
remove_jobs(found, now)
local reply = {}
for i = 1, #refused do reply[i] = refused[i] or 'cancelled' end
return reply
