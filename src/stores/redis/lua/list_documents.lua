-- One page of the documents of a kind, in the order of their names.
-- @arg limit number, most_bytes number, low text, high text  as ZRANGE BYLEX takes them
-- @arg is_reversed flag  the last name comes first
-- @reply more flag, documents rows(field text)  KIND:NAME, and the text as stored ('' if it is gone)
local names
if is_reversed then
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
