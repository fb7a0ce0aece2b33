// Asks with Go's net/http: jobs as JSON on stdin, answers as JSON on stdout, all on one client.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

type job struct {
	Method, Url string
	Headers     map[string]string
	Body        *string
	Chunked     bool
}

type answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func latin1(data []byte) string {
	text := make([]rune, len(data))
	for at, octet := range data {
		text[at] = rune(octet)
	}
	return string(text)
}

func main() {
	var jobs []job
	must(json.NewDecoder(os.Stdin).Decode(&jobs))
	answers := []answer{}
	for _, one := range jobs {
		var body io.Reader
		if one.Body != nil {
			body = strings.NewReader(*one.Body)
			if one.Chunked { // a length that Go does not know
				body = io.MultiReader(strings.NewReader((*one.Body)[:7]), strings.NewReader((*one.Body)[7:]))
			}
		}
		request, err := http.NewRequest(one.Method, one.Url, body)
		must(err)
		for name, value := range one.Headers {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		must(err)
		data, err := io.ReadAll(response.Body)
		must(err)
		response.Body.Close()
		headers := map[string]string{}
		for name, values := range response.Header {
			headers[name] = strings.Join(values, ", ")
		}
		answers = append(answers, answer{response.StatusCode, headers, latin1(data)})
	}
	must(json.NewEncoder(os.Stdout).Encode(answers))
}
