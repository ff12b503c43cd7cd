// The guide's example tests run here unchanged.
import "../../examples/guide/testing/charge.test.ts";
import "../../examples/guide/testing/follow-up.test.ts";
import "../../examples/guide/testing/send-news.test.ts";
import "../../examples/guide/testing/sign-up.test.ts";
