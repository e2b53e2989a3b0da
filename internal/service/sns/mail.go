package sns

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Mail is a message to one mail address.
type Mail struct {
	ID       string // unique to the message and its receiver
	FromName string
	To       string
	Subject  string
	Body     string // text
	Date     time.Time
}

// Mailer sends mails. Sending one a second time must do no harm.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// from is the address SNS sends from.
const from = "no-reply@sns.amazonaws.com"

// mail makes the mail of a delivery. body is the text for email, the envelope
// for email-json.
func (s *Service) mail(t *topic, x *subscription, d *delivery, body string) Mail {
	m := Mail{ID: d.MessageID + "-" + d.ID, FromName: "AWS Notifications", To: x.Endpoint, Date: d.Time, Body: body}
	if name := t.Attributes["DisplayName"]; name != "" {
		m.FromName = name
	}
	if d.Type == confirm {
		m.Subject = "AWS Notification - Subscription Confirmation"
		if x.Protocol == "email" {
			m.Body = "You have chosen to subscribe to the topic: \n" + t.ARN + "\n\n" +
				"To confirm this subscription, click or visit the link below (If this was in error no action is necessary): \n" +
				s.confirmURL(x, d.Token) + "\n\n" +
				"Please do not reply directly to this email. If you wish to remove yourself from receiving all future SNS subscription confirmation requests please send an email to sns-opt-out\n"
		}
		return m
	}
	m.Subject = "AWS Notification Message"
	if d.Subject != "" {
		m.Subject = d.Subject
	}
	if x.Protocol == "email" {
		m.Body = body + "\n\n--\n" +
			"If you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n" +
			s.unsubscribeURL(x) + "\n\n" +
			"Please do not reply directly to this email. If you have any questions or comments regarding this email, please contact us at https://aws.amazon.com/support\n"
	}
	return m
}

// message is the mail as RFC 5322 has it.
func (m *Mail) message(sender string) []byte {
	var b bytes.Buffer
	address := mail.Address{Name: m.FromName, Address: sender}
	fmt.Fprintf(&b, "Date: %s\r\n", m.Date.UTC().Format(time.RFC1123Z))
	fmt.Fprintf(&b, "From: %s\r\n", address.String())
	fmt.Fprintf(&b, "To: %s\r\n", m.To)
	fmt.Fprintf(&b, "Message-ID: <%s@sns.amazonaws.com>\r\n", m.ID)
	fmt.Fprintf(&b, "Subject: %s\r\n", mime.QEncoding.Encode("utf-8", m.Subject))
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n")
	if plain(m.Body) {
		b.WriteString("Content-Transfer-Encoding: 7bit\r\n\r\n")
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(m.Body, "\r\n", "\n"), "\n", "\r\n"))
		return b.Bytes()
	}
	b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
	for text := base64.StdEncoding.EncodeToString([]byte(m.Body)); text != ""; {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.Bytes()
}

// plain reports whether a text can stand in a mail unencoded: ASCII, no line
// over the 998 characters of RFC 5322.
func plain(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > 998 {
			return false
		}
		for i := range len(line) {
			if c := line[i]; c >= 0x7f || c < ' ' && c != '\t' && c != '\r' {
				return false
			}
		}
	}
	return true
}

// outbox is a folder of .eml files.
type outbox struct{ dir string }

// NewOutbox returns a Mailer that writes each mail to a file of the folder, named
// after its time and id.
func NewOutbox(dir string) Mailer { return outbox{dir} }

func (o outbox) Send(_ context.Context, m Mail) error {
	name := m.Date.UTC().Format("20060102T150405.000Z") + "-" + filepath.Base(m.ID) + ".eml"
	if err := writeWhole(filepath.Join(o.dir, name), m.message(from)); err != nil {
		return fmt.Errorf("cannot put mail into the outbox: %w", err)
	}
	return nil
}

// SMTP says how to reach a mail server. Port 0 means 25; User "" means no login.
type SMTP struct {
	Host     string
	Port     int
	From     string // address; "" means SNS's own
	User     string
	Password string
}

// NewSMTP returns a Mailer that sends through a mail server, with STARTTLS
// where the server offers it.
func NewSMTP(c SMTP) Mailer { return &c }

// Send implements Mailer.
func (c *SMTP) Send(_ context.Context, m Mail) error {
	sender, port := c.From, c.Port
	if sender == "" {
		sender = from
	}
	if port == 0 {
		port = 25
	}
	var auth smtp.Auth
	if c.User != "" {
		auth = smtp.PlainAuth("", c.User, c.Password, c.Host)
	}
	if err := smtp.SendMail(net.JoinHostPort(c.Host, strconv.Itoa(port)), auth, sender, []string{m.To}, m.message(sender)); err != nil {
		return fmt.Errorf("cannot send mail: %w", err)
	}
	return nil
}
