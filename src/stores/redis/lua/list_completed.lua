-- One page of the completed jobs without an order, because they were not observed.
-- ARGV: limit, bytes at most, cursor of HSCAN, how many of its page were seen, its COUNT
-- Returns: cursor, seen (cursor '0' and seen 0 at the end), how many bytes of records were read, then for each job: id,
--   record
-- HSCAN returns all of a small hash, whatever its COUNT: hence the number of those seen.
local limit, bytes_left, cursor, seen = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
-- If all of them have an order, there is nothing to find.
if cursor == '0' and seen == 0 and call('HLEN', done) <= call('ZCARD', done_order) then return { '0', 0, 0 } end
local answer = call('HSCAN', done, cursor, 'COUNT', ARGV[5])
local fields, reply, ids = answer[2], { answer[1], 0, 0 }, {}
for i = 1, #fields, 2 do
  push(ids, fields[i])
  reply[3] = reply[3] + #fields[i + 1]
end
local ordered = read_many('ZMSCORE', done_order, ids)
for i = seen * 2 + 1, #fields, 2 do
  if not ordered[(i + 1) / 2] then
    local taken = (#reply - 3) / 2
    bytes_left = bytes_left - #fields[i + 1]
    if taken == limit or (taken > 0 and bytes_left < 0) then
      reply[1], reply[2] = cursor, (i - 1) / 2
      break
    end
    push(reply, fields[i], fields[i + 1])
  end
end
return reply
