-- One page of the documents of a kind, in the order of their names.
-- ARGV: now, limit, most bytes, first and last member as ZRANGE BYLEX takes them, 1 if the last name comes first
-- Returns: 1 if more may follow, or 0, then for each: KIND:NAME, text as stored ('' if it is gone)
local now = number_argument()
local limit = number_argument()
local most_bytes = number_argument()
local low = argument()
local high = argument()
local names
if flag_argument() then
  names = call('ZRANGE', document_names, high, low, 'BYLEX', 'REV', 'LIMIT', 0, limit + 1)
else
  names = call('ZRANGE', document_names, low, high, 'BYLEX', 'LIMIT', 0, limit + 1)
end
local more = #names > limit
if more then names[#names] = nil end
local texts, fitting = read_fitting(documents, names, most_bytes)
local reply = { (more or fitting < #names) and 1 or 0 }
for i = 1, fitting do push(reply, names[i], texts[i] or '') end
return reply
