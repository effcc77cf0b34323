package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kvtool/kvtool/kv"
)

// Bounds of patience. Throttling is the table's way to say "later", so it is waited for; a server that fails is asked again a few
// times.
const (
	firstWait   = 50 * time.Millisecond
	longestWait = 5 * time.Second
	throttleFor = 2 * time.Minute // without one page in between
	failures    = 4
)

// serverFailed is the reason of a request that was asked again and not throttled.
const serverFailed = "the server failed"

// patiently calls try until it succeeds, fails for good, or is refused for too long. Refusals are counted by their reason.
func (s *store) patiently(ctx context.Context, try func(context.Context) error) error {
	began, wait, failed := time.Now(), firstWait, 0
	for {
		err := try(ctx)
		reason := throttling(err)
		switch {
		case err == nil || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case reason != "" && time.Since(began) < throttleFor:
			s.counts.throttled(reason)
		case reason == "" && transient(err) && failed < failures:
			failed++
			s.counts.throttled(serverFailed)
		default:
			return err
		}
		if err := kv.Sleep(ctx, wait/2+rand.N(wait/2+1)); err != nil { // jittered, so that segments do not come back together
			return err
		}
		wait = min(2*wait, longestWait)
	}
}

// throttling returns why a request was refused for now, in DynamoDB's own words where it has some; "" if it was not.
func throttling(err error) string {
	var reasons []types.ThrottlingReason
	var provisioned *types.ProvisionedThroughputExceededException
	var limit *types.RequestLimitExceeded
	var general *types.ThrottlingException
	switch {
	case errors.As(err, &provisioned):
		reasons = provisioned.ThrottlingReasons
	case errors.As(err, &limit):
		reasons = limit.ThrottlingReasons
	case errors.As(err, &general):
		for _, r := range general.ThrottlingReasons {
			reasons = append(reasons, types.ThrottlingReason{Reason: r.Reason, Resource: r.Resource})
		}
	}
	for _, r := range reasons {
		if r.Reason != nil {
			return *r.Reason
		}
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	switch code := api.ErrorCode(); code {
	case "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "Throttling":
		return code
	}
	return ""
}

// transient reports whether the same request may succeed in a moment.
func transient(err error) bool {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode() >= http.StatusInternalServerError
	}
	var network net.Error
	return errors.As(err, &network) && network.Timeout() || errors.Is(err, net.ErrClosed)
}

// code returns DynamoDB's word for an error; "" if it did not answer.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func denied(err error) bool {
	c := code(err)
	return c == "AccessDeniedException" || c == "AccessDenied"
}

func unknownOperation(err error) bool { return code(err) == "UnknownOperationException" }

// why is an error in one line for a report.
func why(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return strings.TrimSuffix(fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage()), ": ")
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// explain gives an error its plain text and a hint.
func (s *store) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	plain := fmt.Errorf("%s: %s", s.target, why(err))
	switch code(err) {
	case "ResourceNotFoundException":
		return kv.WithHint(fmt.Errorf("there is no table %s in %s", s.name, s.region),
			"aws dynamodb list-tables --region "+s.region+"; or is it in another region, or another account?")
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		return kv.WithHint(plain, "the credentials have expired: sign in again, such as by aws sso login")
	case "UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationToken", "InvalidClientTokenId":
		return kv.WithHint(plain, "the credentials are not right: aws sts get-caller-identity shows whose they are")
	case "AccessDeniedException", "AccessDenied":
		return kv.WithHint(plain, "grant it: docs/dynamodb.md has the policy")
	case "":
		return s.unanswered(err)
	}
	if reason := throttling(err); reason != "" {
		return kv.WithHint(fmt.Errorf("%s: throttled for %s: %s", s.target, throttleFor, reason), "scan slower: ?rcu=N, or when the table is used less")
	}
	return plain
}

// unanswered explains an error that is none of DynamoDB's.
func (s *store) unanswered(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, "https response error"); i >= 0 {
		text = text[i:]
	}
	var network net.Error
	switch {
	case strings.Contains(text, "credential"):
		return kv.WithHint(fmt.Errorf("%s: no credentials: %w", s.target, err), "aws configure, AWS_PROFILE, or ?profile=NAME")
	case errors.As(err, &network) && s.endpoint != "":
		return kv.WithHint(fmt.Errorf("%s: no answer from %s: %w", s.target, s.endpoint, err), "is the server running there?")
	case errors.As(err, &network):
		return kv.WithHint(fmt.Errorf("%s: no answer from %s: %w", s.target, s.region, err), "is the region right? ?region=REGION")
	}
	return fmt.Errorf("%s: %w", s.target, err)
}
