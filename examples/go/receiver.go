// A shop that receives Tollgate's events: proves each delivery genuine, takes each event once, ships an order once.
// Needs Go 1.22 or newer, and nothing to install. Never answers 2xx before its own commit.
package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// isGenuine follows https://www.standardwebhooks.com: one signature fits {id}.{timestamp}.{body}, bytes as they came.
func isGenuine(headers http.Header, body []byte) bool {
	id, timestamp := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	sentAt, err := strconv.ParseUint(timestamp, 10, 40)
	if err != nil || id == "" || time.Since(time.Unix(int64(sentAt), 0)).Abs() > 5*time.Minute {
		return false
	}
	for _, secret := range strings.Fields(os.Getenv("TOLLGATE_SECRET")) { // several while one takes another's place
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		mac.Write(append([]byte(id+"."+timestamp+"."), body...))
		made := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, signature := range strings.Fields(headers.Get("webhook-signature")) {
			if err == nil && len(key) >= 24 && hmac.Equal([]byte(made), []byte(signature)) {
				return true
			}
		}
	}
	return false
}

// event is what arrives, and what is written down of it.
type event struct {
	Type string
	Data struct {
		Channel  string
		Sequence int
		Order    struct {
			OrderNo, State string
			AmountChecked  bool
			Flags          []string // for a person, like Note
		}
	}
	ID, Note string
	Ship     bool // read by what sends parcels: no transaction can take one back
}

var turn sync.Mutex

// take stands in for your database: a file for each order, in which a line is one transaction.
func take(id string, body []byte) error {
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.Data.Order.OrderNo == "" || e.Data.Order.State == "" {
		return cmp.Or(err, errors.New("the event tells of no order"))
	}
	e.ID, e.Note, e.Ship = id, "", false
	path := fmt.Sprintf("%s/%x", os.Getenv("STORE"), sha256.Sum256([]byte(e.Data.Channel+"/"+e.Data.Order.OrderNo)))
	turn.Lock()
	defer turn.Unlock()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_SYNC, 0o600)
	defer file.Close()
	lines, greatest, shipped := json.NewDecoder(file), 0, false
	for err == nil {
		var known event
		if err = lines.Decode(&known); err == nil && known.ID == id {
			return nil // seen before
		}
		greatest, shipped = max(greatest, known.Data.Sequence), shipped || known.Ship
	}
	if err == io.ErrUnexpectedEOF { // half a line was never answered with 2xx
		err = cmp.Or(file.Truncate(lines.InputOffset()), io.EOF)
	}
	if err != io.EOF { // of OpenFile, too
		return err
	}
	if e.Data.Sequence < greatest {
		e.Note = "late " + e.Type // what came after it knew more
	} else if e.Type == "payment.succeeded" && e.Data.Order.AmountChecked && e.Data.Order.State == "paid" {
		e.Ship = !shipped
	} else if e.Type == "payment.succeeded" {
		e.Note = "not shipped" // nobody told the price of an order that was not registered: a person compares it
	}
	line, _ := json.Marshal(e)
	_, err = file.WriteAt(append([]byte("\n"), line...), lines.InputOffset())
	return err
}

func receive(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1_000_000)) // what is cut off is not genuine
	status, id := http.StatusNoContent, request.Header.Get("webhook-id")
	if err != nil || !isGenuine(request.Header, body) {
		status = http.StatusBadRequest
	} else if err = take(id, body); err != nil {
		status = http.StatusInternalServerError // the gateway brings the event again
	}
	log.Println(id, status, err)
	response.WriteHeader(status)
}

func main() {
	if err := os.MkdirAll(os.Getenv("STORE"), 0o700); err != nil || os.Getenv("TOLLGATE_SECRET") == "" {
		log.Fatal("Set TOLLGATE_SECRET to the whsec_… of the origin, and STORE to a folder. ", err)
	}
	http.HandleFunc("/hooks/tollgate", receive)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "3000"), nil))
}
