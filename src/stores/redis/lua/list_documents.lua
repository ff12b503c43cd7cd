-- One page of the documents of a kind, in the order of their names.
-- ARGV: now, limit, bytes at most, first and last place as ZRANGE BYLEX takes them, '1' for the last name first
-- Returns: 1 if more may follow, or 0, then for each: KIND:NAME, text as stored ('' if it is gone)
local now, limit, low, high = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[4], ARGV[5]
local places
if ARGV[6] == '1' then
  places = call('ZRANGE', document_names, high, low, 'BYLEX', 'REV', 'LIMIT', 0, limit + 1)
else
  places = call('ZRANGE', document_names, low, high, 'BYLEX', 'LIMIT', 0, limit + 1)
end
local more = #places > limit
if more then places[#places] = nil end
local texts, fitting = read_fitting(documents, places, tonumber(ARGV[3]))
local reply = { (more or fitting < #places) and 1 or 0 }
for i = 1, fitting do push(reply, places[i], texts[i] or '') end
return reply
