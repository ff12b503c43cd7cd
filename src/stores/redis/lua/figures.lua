-- Reads metrics by name.
-- @arg now number, days number
-- @reply rows(name totals periods)  no name: all that have none of their own
-- Periods are the last hour and each of the last days, today last, with semicolons in between; counts have commas.
-- include: _windows.lua
-- include: _read_windows.lua
local reply = {}
push_names(reply, read_positions(), call('GETRANGE', stats, NAMES_AT, -1), 0, days)
return reply
