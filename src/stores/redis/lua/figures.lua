-- Reads metrics by name.
-- ARGV: now, how many days
-- Returns: for each name: name ('' for all that have none of their own), its totals, counts of the last hour, and of
--   each of the last days, today last. Counts have commas in between, '' for 0.
local now = number_argument()
local days = number_argument()
-- include: _windows.lua
-- include: _read_windows.lua
local reply = {}
push_names(reply, read_places(), call('GETRANGE', stats, NAMES_AT, -1), 0, days)
return reply
