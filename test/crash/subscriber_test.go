package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
)

// subscriber receives the messages that executions publish: each is an effect
// that can be counted. It answers the task tokens in them.
type subscriber struct {
	f         *fleet
	server    *httptest.Server
	began     time.Time
	confirmed chan struct{}

	mu       sync.Mutex
	once     sync.Once
	messages map[string]effect    // by message id
	answered map[string]time.Time // tokens, from the first message with one
}

// effect is one published message.
type effect struct {
	name string
	at   time.Time
}

// note is the text of a message; a text that is no JSON is the effect's name.
type note struct {
	Effect   string
	N        int
	Token    string
	Retry    int
	Failures int
	Slow     bool
}

func newSubscriber(f *fleet) *subscriber {
	s := &subscriber{f: f, began: time.Now(), confirmed: make(chan struct{}), messages: map[string]effect{}, answered: map[string]time.Time{}}
	s.server = httptest.NewServer(http.HandlerFunc(s.receive))
	f.t.Cleanup(s.server.Close)
	return s
}

func (s *subscriber) receive(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Type, MessageId, Message, Token string
		Timestamp                       time.Time
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server died
	}
	if err := json.Unmarshal(body, &m); err != nil {
		s.f.t.Errorf("a message cannot be read: %v: %s", err, body)
		return
	}
	if m.Type == "SubscriptionConfirmation" {
		s.f.busy.Go(func() {
			_, err := try[sns.ConfirmSubscriptionOutput](s.f.ctx, s.f, "sns", "ConfirmSubscription", &sns.ConfirmSubscriptionInput{TopicArn: new(topicARN), Token: &m.Token})
			if err != nil {
				s.f.t.Errorf("the subscription cannot be confirmed: %v", err)
			}
			s.once.Do(func() { close(s.confirmed) })
		})
		return
	}
	var n note
	if json.Unmarshal([]byte(m.Message), &n) != nil {
		n = note{Effect: m.Message}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages[m.MessageId] = effect{n.Effect, m.Timestamp}
	if _, known := s.answered[n.Token]; n.Token != "" && !known {
		s.answered[n.Token] = time.Now()
		s.f.busy.Go(func() { s.answer(n) })
	}
}

// answer ends the task of a token, with heartbeats before where it is slow.
// TaskTimedOut means that an earlier request, whose answer was lost, has done it.
func (s *subscriber) answer(n note) {
	pause := time.Duration(n.N%10) * 100 * time.Millisecond
	for range 3 {
		select {
		case <-s.f.ctx.Done():
			return
		case <-time.After(pause):
		}
		if !n.Slow {
			break
		}
		if _, err := try[states.SendTaskHeartbeatOutput](s.f.ctx, s.f, "states", "SendTaskHeartbeat", &states.SendTaskHeartbeatInput{TaskToken: &n.Token}); err != nil && s.f.ctx.Err() == nil {
			s.f.t.Errorf("%s: heartbeat: %v", n.Effect, err)
		}
	}
	var err error
	if n.Retry < n.Failures {
		_, err = try[states.SendTaskFailureOutput](s.f.ctx, s.f, "states", "SendTaskFailure",
			&states.SendTaskFailureInput{TaskToken: &n.Token, Error: new("Flaky"), Cause: new(fmt.Sprint("attempt ", n.Retry))})
	} else {
		_, err = try[states.SendTaskSuccessOutput](s.f.ctx, s.f, "states", "SendTaskSuccess",
			&states.SendTaskSuccessInput{TaskToken: &n.Token, Output: new(fmt.Sprintf(`{"answer": %d}`, 7*n.N))})
	}
	if e := awserr.From(err); err != nil && (e == nil || e.Code != "TaskTimedOut") && s.f.ctx.Err() == nil {
		s.f.t.Errorf("%s: the task cannot be answered: %v", n.Effect, err)
	}
}

// effects are the messages by the name of their effect.
func (s *subscriber) effects() map[string]map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]map[string]time.Time{}
	for id, e := range s.messages {
		if all[e.name] == nil {
			all[e.name] = map[string]time.Time{}
		}
		all[e.name][id] = e.at
	}
	return all
}
