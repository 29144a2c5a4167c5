saddlepoint up --port 8000 &
trap 'kill $!' EXIT
until curl --fail --silent --output /dev/null http://127.0.0.1:8000/readyz; do sleep 1; done
saddlepoint gate policy.onnx --env CartPole-v1 --epsilon 0.05 --min-normalized 0.5 --junit junit.xml --out report
