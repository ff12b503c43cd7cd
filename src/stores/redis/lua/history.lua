-- Reads what was settled in each of the last hours.
-- ARGV: now, how many hours
-- Returns: for each hour in which something was settled: which it is, its figures (figures.lua)
local now, hours = tonumber(ARGV[1]), tonumber(ARGV[2])
-- include: _windows.lua
-- Redis refuses this one if the queue is in partitions (partitions.lua).
call('ZCARD', due)
local text = call('GETRANGE', stats, HOURS.at, NAMES_AT - 1)
-- include: _read_windows.lua

local reply, last = {}, math.floor(now / HOURS.ms)
for number = last - hours + 1, last do
  local figures = figures_of(text, HOURS, -HOURS.at, number, number)
  if figures ~= '' then push(reply, number, figures) end
end
return reply
