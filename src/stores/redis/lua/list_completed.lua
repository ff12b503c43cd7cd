-- One page of the completed jobs, in no order: they are kept in a hash.
-- ARGV: limit, bytes at most, cursor of HSCAN, how many of its page were seen, its COUNT
-- Returns: cursor, seen (cursor '0' and seen 0 at the end), then for each job: id, record
-- HSCAN returns all of a small hash, whatever its COUNT: hence the number of those seen.
local limit, bytes_left, cursor, seen = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local answer = call('HSCAN', done, cursor, 'COUNT', ARGV[5])
local fields, reply = answer[2], { answer[1], 0 }
for i = seen * 2 + 1, #fields, 2 do
  local taken = (#reply - 2) / 2
  bytes_left = bytes_left - #fields[i + 1]
  if taken == limit or (taken > 0 and bytes_left < 0) then
    reply[1], reply[2] = cursor, seen + taken
    break
  end
  push(reply, fields[i], fields[i + 1])
end
return reply
