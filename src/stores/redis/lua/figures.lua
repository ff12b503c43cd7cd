-- Reads figures by name.
-- ARGV: now, how many days
-- Returns: for each name: name ('' for all that have none of their own), its totals, figures of the last hour, and of
--   each of the last
--   days, today last. Figures are counts with commas in between, '' for 0.
local now, days = tonumber(ARGV[1]), tonumber(ARGV[2])
-- include: _windows.lua
-- include: _read_windows.lua
local reply = {}
push_names(reply, read_marks(), call('GETRANGE', stats, NAMES_AT, -1), 0, days)
return reply
