-- Reads metrics by name.
-- @arg with_days flag
-- @reply rows(name text)  no name: all that have none of their own. Texts: _statistics.lua
-- include: _statistics.lua
local reply = {}
push_names(reply, read_statistics(), with_days)
return reply
