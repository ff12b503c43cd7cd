-- One page of the completed jobs, in no order: they are kept in a hash.
-- ARGV: limit, cursor of HSCAN, how many of its page were seen
-- Returns: cursor, seen (cursor '0' and seen 0 at the end), then for each job: id, record
-- A small hash answers HSCAN with all it has, whatever is asked for: hence the count of those seen.
local limit, cursor, seen = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local answer = call('HSCAN', done, cursor, 'COUNT', limit)
local fields, reply = answer[2], { answer[1], 0 }
for i = seen * 2 + 1, #fields, 2 do
  if #reply - 2 == limit * 2 then
    reply[1], reply[2] = cursor, seen + limit
    break
  end
  push(reply, fields[i], fields[i + 1])
end
return reply
